"""The files that belong to a skill and its operations: SKILL.md, solutions, source packages and their faults."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from specs import hints
from specs.corpus import Entry
from specs.errors import Problem
from specs.located import Steps

PLACEHOLDER = re.compile(r"__([A-Z][A-Z_]*?)__")


def check_skill(root: Path, entry: Entry) -> Iterator[Problem]:
    """Problems of the skill's SKILL.md, after the Agent Skills format: front matter with name and description."""
    shown = f"skills/{entry.name}/SKILL.md"
    path = root / shown
    if not path.is_file():
        yield entry.problem(("skill",), f"there is no {shown}", "a skill is what its SKILL.md says")
        return
    text = path.read_text(encoding="utf-8")
    head, mark, _ = text.removeprefix("---\n").partition("\n---\n")
    try:
        front = yaml.safe_load(head) if text.startswith("---\n") and mark else None
    except yaml.YAMLError:
        front = None
    if not isinstance(front, dict):
        yield Problem(shown, 1, 1, "", "no front matter", "begin with --- and the lines name: and description:, then ---")
        return
    if front.get("name") != entry.name:
        yield Problem(shown, 1, 1, "name", f"'{front.get('name')}' is not the folder's name", f"write {entry.name}")
    if not str(front.get("description") or "").strip():
        yield Problem(shown, 1, 1, "description", "is missing", "say when an agent should read this")


def check_operation(root: Path, entry: Entry, steps: Steps, operation: dict[str, Any]) -> Iterator[Problem]:
    """Problems of the files that one operation names."""
    folder = root / "skills" / entry.name
    if "solution" in operation:
        path = folder / operation["solution"]
        if path.is_file():
            check = _tests if operation.get("yields", {}).get("as") == "tests" else _solution
            shown = f"skills/{entry.name}/{operation['solution']}"
            try:
                yield from check(path, shown, operation)
            except SyntaxError as error:
                yield Problem(shown, error.lineno or 1, error.offset or 1, "", f"not Python: {error.msg}")
        else:
            there = [p.relative_to(folder).as_posix() for p in sorted(folder.glob("solutions/*.py"))]
            yield entry.problem(
                (*steps, "solution"), f"there is no skills/{entry.name}/{operation['solution']}", hints.among(operation["solution"], there)
            )
    if "source" in operation:
        yield from _source(entry, steps, operation, folder)


def _solution(path: Path, shown: str, operation: dict[str, Any]) -> Iterator[Problem]:
    """Problems of a fragment that solves. Raises SyntaxError."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    if "result" not in names:
        yield Problem(shown, 1, 1, "", "leaves no `result`", "assign the list of rows to result")


def _tests(path: Path, shown: str, operation: dict[str, Any]) -> Iterator[Problem]:
    """Problems of a file of reference tests: for each demand one method in its one class. Raises SyntaxError."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = [n for n in tree.body if isinstance(n, ast.ClassDef)]
    if len(classes) != 1:
        yield Problem(shown, 1, 1, "", f"has {len(classes)} classes of tests", "write one, with a method test_<demand> for each demand")
        return
    methods = {n.name for n in classes[0].body if isinstance(n, ast.FunctionDef)}
    for demand in operation.get("demands", {}):
        if f"test_{demand}" not in methods:
            yield Problem(shown, classes[0].lineno, 1, "", f"has no test_{demand}", "each demand has a test of its own")


def _source(entry: Entry, steps: Steps, operation: dict[str, Any], folder: Path) -> Iterator[Problem]:
    source = folder / operation["source"]
    if not source.is_dir():
        there = [p.relative_to(folder).as_posix() for p in sorted(folder.glob("sources/*")) if p.is_dir()]
        yield entry.problem(
            (*steps, "source"), f"there is no folder skills/{entry.name}/{operation['source']}", hints.among(operation["source"], there)
        )
        return
    module = operation.get("module")
    if module is None:
        return
    path = source / module
    if not path.is_file():
        there = [p.relative_to(source).as_posix() for p in sorted(source.rglob("*.py"))]
        yield entry.problem((*steps, "module"), f"there is no {module} in {operation['source']}", hints.among(module, there))
        return
    text, second = path.read_text(encoding="utf-8"), ""
    if "second" in operation:
        other = folder / operation["second"]
        if not other.is_file():
            there = [p.relative_to(folder).as_posix() for p in sorted(folder.glob("seconds/*.py"))]
            yield entry.problem(
                (*steps, "second"), f"there is no skills/{entry.name}/{operation['second']}", hints.among(operation["second"], there)
            )
            return
        second = other.read_text(encoding="utf-8")
        yield from _second(entry, steps, operation, second)
    yield from _module(entry, steps, operation, text, second)


def _second(entry: Entry, steps: Steps, operation: dict[str, Any], text: str) -> Iterator[Problem]:
    """Problems of the second version; faults lie in both, or tests that go by the text of the module would tell them."""
    if f"def {operation.get('function')}(" not in text:
        yield entry.problem((*steps, "second"), f"{operation['second']} defines no '{operation.get('function')}'")
    columns = [b.upper() for binds in operation.get("takes", {}).values() for b in binds]
    yield from _placeholders(entry, (*steps, "second"), text, columns)
    faults = operation.get("faults", [])
    if len({f.get("into") for f in faults}) < 2:
        yield entry.problem((*steps, "faults"), "all faults lie in the same version", "put some into the second one, with into: second")
    caught = {d.get("mutant", {}).get("fault") for d in operation.get("demands", {}).values()}
    for i, fault in enumerate(faults):
        if fault.get("name") not in caught:
            yield entry.problem(
                (*steps, "faults", i, "name"), f"no demand speaks of '{fault.get('name')}'", "tests can only be asked for in words"
            )


def _module(entry: Entry, steps: Steps, operation: dict[str, Any], text: str, second: str) -> Iterator[Problem]:
    module, function = operation["module"], operation.get("function")
    if function is not None and f"def {function}(" not in text:
        yield entry.problem((*steps, "function"), f"{module} defines no '{function}'")
    columns = [b.upper() for binds in operation.get("takes", {}).values() for b in binds]
    yield from _placeholders(entry, (*steps, "module"), text, columns)
    if "lacks" in operation:
        yield from _fault(entry, (*steps, "lacks"), operation["lacks"], text, module)
        yield from _placeholders(entry, (*steps, "lacks"), str(operation["lacks"]), columns)
    seen: set[str] = set()
    for i, fault in enumerate(operation.get("faults", [])):
        place = (*steps, "faults", i)
        if fault.get("name") in seen:
            yield entry.problem((*place, "name"), f"a second fault called '{fault['name']}'")
        seen |= {fault.get("name", "")}
        if "symptom" not in fault and "lacks" not in operation and not second:
            yield entry.problem(place, "has no 'symptom'", "say what somebody notices when this fault is put in")
        if "swap" in fault:
            base, where = (second, operation.get("second", "")) if fault.get("into") else (text, module)
            yield from _fault(entry, (*place, "swap"), fault["swap"], base, where)
        for key in ("swap", "symptom"):
            yield from _placeholders(entry, (*place, key), str(fault.get(key, "")), columns)


def _fault(entry: Entry, steps: Steps, swap: list[str], text: str, module: str) -> Iterator[Problem]:
    old, new = swap
    if old not in text:
        yield entry.problem((*steps, 0), f"'{old}' does not occur in {module}", hints.part(old, text))
        return
    if old == new:
        yield entry.problem(steps, "changes nothing")
    try:
        ast.parse(text.replace(old, new))
    except SyntaxError as error:
        yield entry.problem(
            steps, f"leaves {module} without sense in line {error.lineno}: {error.msg}", "a fault is a wrong answer, not a crash"
        )


def _placeholders(entry: Entry, steps: Steps, text: str, columns: list[str]) -> Iterator[Problem]:
    """`__GROUP__` stands for the written name of the bound column `group`."""
    for name in dict.fromkeys(PLACEHOLDER.findall(text)):
        if name not in columns:
            yield entry.problem(steps, f"'__{name}__' stands for no bound column", hints.among(name, columns))
