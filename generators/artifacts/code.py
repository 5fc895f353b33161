"""A small Python package with one known fault put in; the truth on other draws is the hidden test."""

from __future__ import annotations

import functools
import json
import types
from collections.abc import Iterator
from typing import Any

from generators import operate
from generators.artifacts import Artifact, Changes
from generators.relations import Column, Relation, Row, written
from specs import records


def changes(artifact: Artifact, answer: Relation) -> Changes:
    """The module without its fault."""
    return _module(artifact, artifact.details["right"])


def _module(artifact: Artifact, text: str) -> Changes:
    return (records.change_of(artifact.details["module"], text.encode()),)


def check(artifact: Artifact, answer: Relation) -> dict[str, Any]:
    """Params of the check `code`."""
    d = artifact.details
    return {
        "module": d["module"],
        "function": d["function"],
        "cases": d["cases"],
        "tests": ["python3", "-m", "unittest", "-q"],
        "workdir": artifact.path,
        "may_change": [d["module"]],
        "under": artifact.path,
    }


def shapes(artifact: Artifact, answer: Relation) -> dict[str, Changes]:
    """The test made to pass instead of the module; the module fitted to the one test."""
    d = artifact.details
    fine = b"import unittest\n\n\nclass Fine(unittest.TestCase):\n    def test_fine(self):\n        self.assertTrue(True)\n"
    name = d["function"]
    rest = f"def {name}(rows):\n    return {d['expected']!r} if rows == {d['rows']!r} else _plain(rows)\n"
    fitted = f"{d['faulty']}\n\n_plain = {name}\n\n\n{rest}"
    return {"tests-changed": (records.change_of(f"{artifact.path}/{d['test']}", fine),), "fitted": _module(artifact, fitted)}


def faulty(artifact: Artifact, fault: str) -> Changes:
    """The module with another fault in place of the one it had."""
    return _module(artifact, artifact.details["faults"][fault])


def equivalents(artifact: Artifact, answer: Relation) -> dict[str, Changes]:
    """The mended module with a comment, and with a helper of its own."""
    right = artifact.details["right"]
    return {
        "comment": _module(artifact, right + "\n# Checked by hand.\n"),
        "helper": _module(artifact, right + "\n\ndef _unused():\n    return None\n"),
    }


def plain(value: Any, column: Column) -> Any:
    """A value as the package's JSON data has it: integers as numbers, measures with decimals and dates as text."""
    if value is None or column.kind == "integer":
        return None if value is None else int(value)
    return written(value, column)


def objects(relation: Relation, names: list[str] | None = None) -> list[dict[str, Any]]:
    """Rows as dictionaries, under the columns' own names or those given."""
    keys = names or [c.name for c in relation.columns]
    return [_object(row, keys, relation.columns) for row in relation.rows]


def _object(row: Row, keys: list[str], columns: tuple[Column, ...]) -> dict[str, Any]:
    return {k: plain(v, c) for k, v, c in zip(keys, row, columns, strict=True)}


@functools.lru_cache(maxsize=64)
def _compiled(text: str, function: str) -> types.CodeType:
    return compile(text, function, "exec")


def call(text: str, function: str, rows: list[dict[str, Any]]) -> Any:
    """What the repository's own module text returns on rows; a crash returns its message, which equals no answer.

    The text comes from skills/*/sources, code of this repository like any solution; nothing of an agent is run here.
    """
    space: dict[str, Any] = {"__name__": "source"}
    exec(_compiled(text, function), space)  # noqa: S102 (see above)
    try:
        return json.loads(json.dumps(space[function](json.loads(json.dumps(rows)))))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def filled(text: str, names: dict[str, str]) -> str:
    """A source's text with `__GROUP__` and the like replaced by the columns' written names."""
    for bound, name in names.items():
        text = text.replace(f"__{bound.upper()}__", name)
    return text


def prove(details: dict[str, Any], demands: dict[str, Any]) -> None:
    """Raise Unfit unless the right module gives every answer, the fault fails the visible test and a hidden case, each other fault any."""
    cases = [(details["rows"], details["expected"]), *((c["args"][0], c["expect"]) for c in details["cases"])]

    def run(text: str) -> Iterator[bool]:
        return (call(text, details["function"], rows) == expected for rows, expected in cases)

    if not all(run(details["right"])):
        raise operate.Unfit(f"{details['function']}: the module and the truth disagree")
    faulty = run(details["faulty"])
    if next(faulty) or all(faulty):
        raise operate.Unfit(f"{details['function']}: the fault does not show")
    for name, demand in demands.items():
        fault = demand["mutant"].get("fault")
        if fault and all(run(details["faults"][fault])):
            raise operate.Unfit(f"{details['function']}: the demand '{name}' makes no difference")


def writing(artifact: Artifact, answer: Relation) -> tuple[list[str], list[str]]:
    """Code is edited, not written by a script."""
    raise ValueError("a code artifact has no script")


def words(artifact: Artifact, answer: Relation) -> dict[str, Any]:
    """What the template's sayings name."""
    return {"module": f"`{artifact.details['module']}`"}
