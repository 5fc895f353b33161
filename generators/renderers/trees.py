"""Relations of key paths and values as configuration files: yaml, json, toml, ini."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import yaml

from generators.relations import Relation

FORMATS = ("yaml", "json", "toml", "ini")
SWITCHES = "true|false|yes|no|on|off|null|nan|infinity"  # words that some reader of an ini takes for something else than text
BARE = re.compile(rf"(?!(?i:{SWITCHES})$)[A-Za-z][\w.-]*(?: [\w.-]+)*", re.ASCII)  # text of an ini that needs no quotes


def nested(relation: Relation) -> dict[str, Any]:
    """The tree that rows of (dotted path, JSON value) stand for."""
    tree: dict[str, Any] = {}
    for path, value in relation.rows:
        *parents, leaf = str(path).split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = json.loads(str(value))
    return tree


def render(relation: Relation, form: str, indent: int = 2, sort: bool = False) -> bytes:
    """The file's bytes. Raises KeyError for another format."""
    tree = nested(relation)
    if form == "json":
        return (json.dumps(tree, ensure_ascii=False, indent=indent, sort_keys=sort) + "\n").encode()
    if form == "yaml":
        return yaml.safe_dump(tree, allow_unicode=True, sort_keys=sort, width=10_000, indent=indent).encode()
    if form == "toml":
        return "\n".join(_sections(tree, (), sort, toml_value)).lstrip("\n").encode() + b"\n"
    if form == "ini":
        return "\n".join(_sections(tree, (), sort, ini_value)).lstrip("\n").encode() + b"\n"
    raise KeyError(form)


def toml_value(value: Any) -> str:
    """A value of a toml file: JSON, but that TOML takes no raw DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def ini_value(value: Any) -> str:
    """A value of an ini file: JSON, but for plain words, which need no quotes. So numbers, true and false keep their type."""
    return value if isinstance(value, str) and BARE.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _sections(tree: dict[str, Any], prefix: tuple[str, ...], sort: bool, text: Callable[[Any], str]) -> list[str]:
    """Lines of toml and ini: a section for each group of values, named by the path to it."""
    items = sorted(tree.items()) if sort else list(tree.items())
    leaves = [(k, v) for k, v in items if not isinstance(v, dict)]
    lines = [f"\n[{'.'.join(prefix)}]"] if prefix and leaves else []
    lines += [f"{k} = {text(v)}" for k, v in leaves]
    for key, value in items:
        if isinstance(value, dict):
            lines += _sections(value, (*prefix, key), sort, text)
    return lines
