"""`make new`: a commented file of a kind that validates as it is, to be written over. The starting files lie in specs/starters."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from specs import errors, hints, located
from specs.corpus import FOLDERS
from specs.errors import Problem, UserError

STARTERS = Path(__file__).parent / "starters"
KINDS = ("persona", "scenario", "domain", "skill", "operation")
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
FIRST_OPERATION = "at-least"


def starting(kind: str, name: str, root: Path = Path()) -> dict[Path, str]:
    """Files to write, as path below `root` to text. An operation is put at the end of its skill's file, which is among them.

    Raises UserError for an unknown kind, a name that is ill-formed or taken, and a skill that is not there.
    """
    if kind not in KINDS:
        raise _refused("KIND", f"no starting file for '{kind}'", hints.among(kind, KINDS))
    if kind == "operation":
        return _operation(name, root)
    _well_formed(name)
    if kind == "skill":
        _free(root, [Path("skills") / name])
        return _skill(name)
    path = Path(FOLDERS[kind]) / f"{name}.yaml"
    _free(root, [path])
    return {path: _filled(f"{kind}.yaml.in", NAME=name)}


def _refused(where: str, what: str, hint: str) -> UserError:
    return UserError([Problem("command line", 1, 1, where, what, hint)])


def _well_formed(name: str) -> None:
    if not NAME.fullmatch(name):
        raise _refused("NAME", f"'{name}' is not written as a name", "write it in kebab-case: small letters, digits, single dashes")


def _free(root: Path, paths: Iterable[Path]) -> None:
    taken = [p.as_posix() for p in paths if (root / p).exists()]
    if taken:
        raise UserError([Problem(p, 1, 1, "", "is there already", "choose another NAME, or edit it") for p in taken])


def _filled(starter: str, **values: str) -> str:
    text = (STARTERS / starter).read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _skill(name: str) -> dict[Path, str]:
    folder = Path("skills") / name
    head = _filled("skill.yaml.in", NAME=name, OPERATION=FIRST_OPERATION)
    return {
        folder / "operations.yaml": head + _entry(name, FIRST_OPERATION, 2),
        folder / "SKILL.md": _filled("skill.md.in", NAME=name),
        folder / "solutions" / f"{FIRST_OPERATION}.py": _filled("solution.py.in"),
    }


def _entry(skill: str, operation: str, indent: int) -> str:
    return textwrap.indent(_filled("operation.yaml.in", SKILL=skill, OPERATION=operation), " " * indent)


def _operation(name: str, root: Path) -> dict[Path, str]:
    skill, dot, operation = name.partition(".")
    if not dot:
        raise _refused("NAME", f"'{name}' names no skill", "write <skill>.<operation>, such as ledger.top")
    _well_formed(operation)
    skills = sorted(p.parent.name for p in (root / "skills").glob("*/operations.yaml"))
    if skill not in skills:
        raise _refused("NAME", f"there is no skill '{skill}'", hints.among(skill, skills))
    path, solution = Path("skills") / skill / "operations.yaml", Path("skills") / skill / "solutions" / f"{operation}.py"
    text, indent = _end_of_list(root / path, path.as_posix(), operation)
    _free(root, [solution])
    return {path: f"{text.rstrip()}\n\n{_entry(skill, operation, indent)}", solution: _filled("solution.py.in")}


def _end_of_list(path: Path, shown: str, operation: str) -> tuple[str, int]:
    """The file's text, at whose end another operation may be put, and the spaces before its dash. Raises UserError where it may not."""
    document = located.load(path, shown)
    found = document.value.get("operations") if isinstance(document.value, dict) else None
    if not isinstance(found, list) or not found:
        raise UserError([document.problem((), "no list of operations", "`make validate` tells what is wrong with the file")])
    names = [o.get("name") if isinstance(o, dict) else None for o in found]
    if operation in names:
        at = ("operations", names.index(operation), "name")
        raise UserError([document.problem(at, f"there is an operation '{operation}' already", "choose another NAME")])
    text = path.read_text(encoding="utf-8")
    line, column = document.where(("operations", 0))
    before = text.splitlines()[line - 1][: column - 1]
    last = max(document.keys, key=lambda steps: document.keys[steps])
    if before.strip() != "-" or last[0] != "operations":
        hint = "write `operations:` last, with a line that begins with a dash for each"
        raise UserError([document.problem(("operations",), "another operation can't be put at the end", hint, key=True)])
    return text, before.index("-")


def main(argv: Sequence[str]) -> int:
    """`python -m specs.new --kind KIND --name NAME`. Raises UserError where nothing can be written."""
    parser = argparse.ArgumentParser(prog="python -m specs.new", description=__doc__)
    parser.add_argument("--kind", required=True, help=", ".join(KINDS))
    parser.add_argument("--name", required=True, help="in kebab-case; <skill>.<operation> for an operation")
    arguments = parser.parse_args(argv)
    files = starting(arguments.kind, arguments.name)
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.as_posix())
    print(f"Write over it what is yours, then: make validate; make try SPEC={next(iter(files)).as_posix()}")
    return 0


if __name__ == "__main__":
    errors.run(main)
