"""Grade a folder on this machine as the outcome of a task: `python -m verifiers.grade_workspace --id ID --workspace DIR`.

The verdict goes to stdout as JSON. Its score is code only: a rubric, if there is one, is not judged.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from sandbox.box import BoxLimit
from specs import errors, layout, shards
from specs.errors import Problem, UserError
from specs.records import Task, Verifier
from verifiers import snapshot
from verifiers.apart import Graders
from verifiers.grade import Graded, grade_apart

T = TypeVar("T", Task, Verifier)


def grade_folder(identity: str, folder: Path) -> Graded:
    """What the checks say of a folder. Raises UserError for an unknown task or a folder that isn't there."""
    if not folder.is_dir():
        raise UserError([Problem(str(folder), 1, 1, "", "no such folder", "give the workspace as the agent left it")])
    task = _found(layout.TASKS, Task, identity)
    verifier = _found(layout.VERIFIERS, Verifier, identity)
    try:
        changes = snapshot.changes_of(task, folder)
    except BoxLimit as limit:
        raise UserError([Problem(str(folder), 1, 1, "", str(limit), "give the task's workspace alone")]) from None
    with Graders(1) as graders:
        return grade_apart(graders, task, verifier, changes)


def _found(root: Path, cls: type[T], identity: str) -> T:
    record = shards.find(root, cls, identity)
    if record is None:
        raise UserError(
            [Problem(str(root), 1, 1, "", f"no {cls.__name__.lower()} with the id '{identity}'", "ids stand in data/selection.json")]
        )
    return record


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m verifiers.grade_workspace", description="Grade a folder as the outcome of a task.")
    parser.add_argument("--id", required=True, help="the task's id")
    parser.add_argument("--workspace", required=True, type=Path, metavar="DIR", help="the workspace as the agent left it")
    args = parser.parse_args(argv)
    graded = grade_folder(args.id, args.workspace)
    judging = "not judged" if _found(layout.VERIFIERS, Verifier, args.id).rubric else "no rubric"
    print(json.dumps({"id": args.id, "status": "graded", "judging": judging, **dataclasses.asdict(graded)}, indent=2))
    return 0


if __name__ == "__main__":
    errors.run(main)
