"""YAML read safely, with the place of every value: duplicate keys, anchors and non-UTF-8 are refused, dates and yes/no stay text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from specs.errors import Problem, UserError

Place = tuple[int, int]
Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A file's plain value, and where each of its parts stands (line and column count from 1)."""

    path: str
    value: Any
    values: dict[Steps, Place]
    keys: dict[Steps, Place]

    def where(self, steps: Steps, key: bool = False) -> Place:
        """The place of the value (or, with `key`, of the key) at `steps`; of the nearest part around it where there is none."""
        places = self.keys if key else self.values
        while steps and steps not in places:
            steps, places = steps[:-1], self.values
        return places.get(steps, (1, 1))

    def problem(self, steps: Steps, what: str, hint: str = "", key: bool = False) -> Problem:
        """A Problem at that place."""
        line, column = self.where(steps, key)
        return Problem(self.path, line, column, dotted(steps), what, hint)


def dotted(steps: Steps) -> str:
    """`operations[2].yields.format`, as messages name a part."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


class _Told(yaml.SafeLoader):
    """SafeLoader in which only null, true/false, integers and decimals are more than text. It says best what is wrong."""


class _Quick(yaml.CSafeLoader):
    """The same by libyaml, ten times as fast."""


_Loader = type[_Told] | type[_Quick]
for _class in (_Told, _Quick):
    _class.yaml_implicit_resolvers = {
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag in ("tag:yaml.org,2002:null", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    _class.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def load(path: Path, shown: str | None = None) -> Document:
    """Read one YAML file. Raises UserError, located, for what can't be read; `shown` is the path in messages."""
    document, problems = read(path, shown)
    if problems:
        raise UserError(problems)
    return document


def read(path: Path, shown: str | None = None) -> tuple[Document, list[Problem]]:
    """Like `load`, with problems that leave the rest readable (duplicate keys and the like) returned beside the document."""
    name = shown or path.as_posix()
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise UserError([Problem(name, 1, 1, "", "no such file")]) from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise UserError([Problem(name, line, 1, "", "not UTF-8", "save the file as UTF-8")]) from None
    return _clean(text, name) or _told(text, name)


def _clean(text: str, name: str) -> tuple[Document, list[Problem]] | None:
    """What the quick loader reads; None where it finds anything wrong."""
    try:
        document, problems = _parsed(text, name, _Quick)
    except (UserError, yaml.YAMLError):
        return None
    return None if problems else (document, [])


def _told(text: str, name: str) -> tuple[Document, list[Problem]]:
    try:
        return _parsed(text, name, _Told)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise UserError(
            [Problem(name, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1, "", error.problem or "not YAML")]
        ) from None
    except yaml.YAMLError as error:
        raise UserError([Problem(name, 1, 1, "", str(error).splitlines()[0])]) from None


def _parsed(text: str, name: str, kind: _Loader) -> tuple[Document, list[Problem]]:
    """The document by one of the two loaders. Raises what that loader raises, and UserError."""
    loader = kind(text)
    try:
        _refuse_extras(text, name, kind)
        node = loader.get_single_node()
        problems: list[Problem] = []
        values: dict[Steps, Place] = {}
        keys: dict[Steps, Place] = {}
        value = None if node is None else _plain(loader, node, (), values, keys, problems, name)
    finally:
        loader.dispose()
    return Document(name, value, values, keys), problems


def _refuse_extras(text: str, name: str, kind: _Loader) -> None:
    """An alias can make a small file a huge value, and two parts that change together by surprise; a tag asks for other types."""
    for event in yaml.parse(text, Loader=kind):
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if not anchor and not tag:
            continue
        place = (event.start_mark.line + 1, event.start_mark.column + 1) if event.start_mark else (1, 1)
        if anchor:
            raise UserError([Problem(name, *place, "", "anchors and aliases are not used here", "write the value out")])
        raise UserError([Problem(name, *place, "", f"the tag {tag} is not used here", "write the plain value")])


def _plain(
    loader: _Told | _Quick,
    node: Node,
    steps: Steps,
    values: dict[Steps, Place],
    keys: dict[Steps, Place],
    problems: list[Problem],
    name: str,
) -> Any:
    place = (node.start_mark.line + 1, node.start_mark.column + 1)
    values[steps] = place
    if isinstance(node, ScalarNode):
        return loader.construct_object(node, deep=True)
    if isinstance(node, SequenceNode):
        return [_plain(loader, child, (*steps, i), values, keys, problems, name) for i, child in enumerate(node.value)]
    if not isinstance(node, MappingNode):
        problems.append(Problem(name, *place, dotted(steps), "not a value that specs use"))
        return None
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        at = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        if not isinstance(key_node, ScalarNode):
            problems.append(Problem(name, *at, dotted(steps), "a key must be plain text"))
            continue
        if key in result:
            problems.append(Problem(name, *at, dotted((*steps, key)), f"the key '{key}' occurs twice", "remove one of the two"))
            continue
        keys[(*steps, key)] = at
        result[key] = _plain(loader, value_node, (*steps, key), values, keys, problems, name)
    return result
