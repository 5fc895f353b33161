"""A configuration file: every leaf has its expected value, and there are no others."""

from __future__ import annotations

from typing import Any

from verifiers import parsing
from verifiers.reading import shown
from verifiers.snapshot import Fault, Unreadable, View

Leaves = dict[tuple[str, ...], Any]
INEXACT = 0.5


def check(params: dict[str, Any], view: View) -> tuple[float, str]:
    """1.0 for exactly the expected leaves; else at most 0.5, by the share of due changes made; 0 for another format."""
    path = params["path"]
    try:
        got = read(view.read(path), params["format"])
    except Unreadable as error:
        return 0.0, f"{path}: {error}"
    expected: Leaves = {tuple(dotted.split(".")): value for dotted, value in params["leaves"].items()}
    wrong = [leaf for leaf in sorted(expected) if leaf not in got or not parsing.equal(expected[leaf], got[leaf])]
    extra = [leaf for leaf in got if leaf not in expected]
    if not wrong and not extra:
        return 1.0, ""
    due = _due(expected, params, view)
    made = len(due.difference(wrong))
    spoiled = len(set(wrong) - due) + len(extra)
    first = ".".join((wrong + extra)[0])
    return INEXACT * made / (
        len(due) + spoiled or 1
    ), f"{path}: {shown(first)} and {len(wrong) + len(extra) - 1} others are not as expected"


def read(data: bytes, form: str) -> Leaves:
    """The leaves of a yaml, json, toml or ini file by the steps to them; lists count as leaves. Raises Unreadable."""
    if form == "json":
        tree = parsing.json_of(parsing.text_of(data))
    else:
        tree = {"yaml": parsing.yaml_of, "toml": parsing.toml_of, "ini": parsing.ini_of}[form](data)
    if not isinstance(tree, dict):
        raise Unreadable("it holds no settings by name")
    leaves: Leaves = {}
    open_nodes: list[tuple[tuple[str, ...], Any]] = [((), tree)]
    while open_nodes:
        steps, node = open_nodes.pop()
        if len(steps) > parsing.DEPTH:
            raise Unreadable("it is nested too deeply")
        if isinstance(node, dict) and (node or not steps):
            open_nodes += [((*steps, key), value) for key, value in node.items()]
        else:
            leaves[steps] = node
    return leaves


def _due(expected: Leaves, params: dict[str, Any], view: View) -> set[tuple[str, ...]]:
    """The leaves that the given file has otherwise: only these earn a part, or leaving the file alone would pay."""
    try:
        given = read(view.original().read(params["path"]), params["format"])
    except Fault:
        return set(expected)
    return {leaf for leaf, value in expected.items() if leaf not in given or not parsing.equal(value, given[leaf])}
