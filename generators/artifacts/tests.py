"""A file of unit tests for a package that works: it has to notice each of some hidden faults."""

from __future__ import annotations

import ast
import posixpath
from typing import Any

from generators.artifacts import Artifact, Changes
from generators.relations import Relation
from specs import records

METHOD = "test_"  # and a demand's name: the test of a reference file that states this demand


def changes(artifact: Artifact, answer: Relation) -> Changes:
    """The reference tests."""
    return _file(artifact, artifact.details["tests"])


def _file(artifact: Artifact, text: str) -> Changes:
    return (records.change_of(artifact.details["path"], text.encode()),)


def check(artifact: Artifact, answer: Relation) -> dict[str, Any]:
    """Params of the check `tests`."""
    d = artifact.details
    return {
        "module": d["module"],
        "tests": d["path"],
        "second": d["second"],
        "faulty": [{"name": name, "text": text} for name, text in d["faults"].items()],
        "workdir": artifact.path,
        "may_change": [d["path"]],
        "under": artifact.path,
    }


def shapes(artifact: Artifact, answer: Relation) -> dict[str, Changes]:
    """Tests of the wrong kind: none, such as always pass or fail, such as go by the module's text, no unittest; the module edited, too."""
    d = artifact.details
    stem = posixpath.basename(d["module"]).removesuffix(".py")
    name = d["function"]
    head = f"import unittest\n\nfrom {stem} import {name}\n\n\nclass FirstTest(unittest.TestCase):\n    def test_first(self):\n"
    text = f"        with open({stem + '.py'!r}, encoding='utf-8') as file:\n            self.assertEqual(file.read(), {d['right']!r})\n"
    right = d["right"] + "\n# Covered by tests now.\n"
    return {
        "no-tests": _file(artifact, f"import unittest\n\nfrom {stem} import {name}\n"),
        "always-pass": _file(artifact, head + f"        self.assertEqual({name}([]), {name}([]))\n"),
        "always-fail": _file(artifact, head + f"        self.assertNotEqual({name}([]), [])\n"),
        "by-text": _file(artifact, head + text),
        "plain-functions": _file(artifact, f"from {stem} import {name}\n\n\ndef test_nothing():\n    assert {name}([]) == []\n"),
        "module-touched": (*_file(artifact, d["tests"]), records.change_of(d["module"], right.encode())),
    }


def ignoring(artifact: Artifact, demand: str) -> Changes:
    """The reference tests but for those that a demand asks for."""
    return _file(artifact, without(artifact.details["tests"], demand))


def without(text: str, demand: str) -> str:
    """A file of tests without the method that is called after a demand. Raises ValueError where it has none."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name == METHOD + demand and node.end_lineno is not None:
            lines = text.splitlines(keepends=True)
            return "".join(lines[: node.lineno - 1] + lines[node.end_lineno :])
    raise ValueError(f"there is no {METHOD}{demand}")


def equivalents(artifact: Artifact, answer: Relation) -> dict[str, Changes]:
    """The reference tests under another class with a comment, and each run once more by a second class."""
    text = artifact.details["tests"]
    (name,) = [n.name for n in ast.parse(text).body if isinstance(n, ast.ClassDef)]
    return {
        "renamed": _file(artifact, "# Written against the README.\n" + text.replace(f"class {name}(", "class ContractTest(")),
        "twice": _file(
            artifact, text.replace('if __name__ == "__main__":', f'class AgainTest({name}):\n    pass\n\n\nif __name__ == "__main__":')
        ),
    }


def writing(artifact: Artifact, answer: Relation) -> tuple[list[str], list[str]]:
    """Tests are written by hand, not by a script."""
    raise ValueError("a file of tests has no script")


def words(artifact: Artifact, answer: Relation) -> dict[str, Any]:
    """What the template's sayings name."""
    return {"module": f"`{artifact.details['module']}`"}
