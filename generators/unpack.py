"""A task as a folder: the workspace and the instruction, as the agent gets them; and what is served to it, ready to be served."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from specs import errors, layout, shards
from specs.errors import Problem, UserError
from specs.records import SITE_PORT, SITE_URL, Task

INSTRUCTION = "INSTRUCTION.md"
SERVED = "served-site"
SERVING = f"""# A site goes with this task

The instruction speaks of {SITE_URL}. The pages are in `{SERVED}/`, beside the workspace and no part of it; an agent
meets them at that address only. To serve them while you work on the task:

    python -m http.server {SITE_PORT} --bind 127.0.0.1 --directory {SERVED}
"""


def unpack(task: Task, to: Path) -> None:
    """Write `to`/workspace and `to`/INSTRUCTION.md; for a task with a site `to`/served-site and `to`/SITE.md, which says how to serve it.

    Raises UserError where `to` is not empty.
    """
    if to.exists() and any(to.iterdir()):
        raise UserError([Problem(str(to), 1, 1, "TO", "this folder is not empty", "name a new one")])
    pages = [page for service in task.services for page in service.files]
    for folder, files in (("workspace", task.workspace), (SERVED, pages)):
        for file in files:
            path = to / folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
            path.chmod(file.mode)
    if pages:
        (to / "SITE.md").write_text(SERVING, encoding="utf-8")
    (to / INSTRUCTION).write_text(task.instruction + "\n", encoding="utf-8")


def main(argv: Sequence[str]) -> int:
    """`python -m generators.unpack --id ID --to DIR`."""
    parser = argparse.ArgumentParser(prog="python -m generators.unpack", description=__doc__)
    parser.add_argument("--id", required=True)
    parser.add_argument("--to", required=True, type=Path)
    arguments = parser.parse_args(argv)
    task = shards.find(layout.TASKS, Task, arguments.id)
    if task is None:
        raise UserError([Problem(str(layout.TASKS), 1, 1, "ID", f"no task '{arguments.id}'", "`make trace` takes a prefix of an id")])
    unpack(task, arguments.to)
    print(f"{arguments.to / 'workspace'}: {len(task.workspace)} files\n{arguments.to / INSTRUCTION}")
    if task.services:
        print(f"{arguments.to / 'SITE.md'}: how to serve the task's site")
    return 0


if __name__ == "__main__":
    errors.run(main)
