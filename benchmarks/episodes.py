"""Scripted episodes, many at once: in our boxes, by the road that any model takes, and under inspect_ai in its local sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.making import task_of
from sandbox import runner
from sandbox.agents import scripted_agent
from sandbox.box import Caps, Sandbox
from sandbox.harnesses import BUILTIN
from sandbox.planning import plan
from sandbox.runner import Rules
from specs.records import Rollout, Step
from specs.store import Store

AT_ONCE = 64
SCRIPT = Path(__file__).with_name("inspect_episodes.py")
INSTRUCTION = "Add up the amounts of ledger.csv, write the sum to total.txt, and correct the year in notes.md."
FILES = {"ledger.csv": "party,amount\n" + "".join(f"party {n},{n * 7}\n" for n in range(100)), "notes.md": "# Ledger of 2023\n"}
PATH, CONTENT = "total.txt", f"{sum(n * 7 for n in range(100))}\n"  # what an episode is to leave
ADDING = "import csv\nprint(sum(int(row['amount']) for row in csv.DictReader(open('ledger.csv'))))\n"
STEPS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("exec", {"command": "ls -l"}, "I look at what is there."),
    ("read", {"path": "ledger.csv"}, ""),
    ("write", {"path": "add.py", "content": ADDING}, "A script adds them up."),
    ("exec", {"command": f"/usr/bin/python3 add.py > {PATH}"}, ""),
    ("read", {"path": PATH}, "I check the sum."),
    ("edit", {"path": "notes.md", "edits": [{"oldText": "2023", "newText": "2024"}]}, ""),
    ("exec", {"command": "rm add.py"}, "I clean up."),
)
Ask = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Tally:
    """What came of episodes: how many left what they should, how many did not, the seconds of all, why some failed."""

    finished: int = 0
    failed: int = 0
    seconds: float = 0.0
    errors: tuple[str, ...] = ()

    def __add__(self, other: Tally) -> Tally:
        errors = tuple(dict.fromkeys((*self.errors, *other.errors)))
        return Tally(self.finished + other.finished, self.failed + other.failed, self.seconds + other.seconds, errors)

    def __str__(self) -> str:
        said = f"{self.finished:>4} finished, {self.failed} failed, {self.finished / self.seconds:.1f} a second"
        return "\n".join((said, *(f"    {error}" for error in self.errors[:3])))


def ours(sandbox: Sandbox, count: int) -> Tally:
    """So many rollouts of one task, from first to last through the rollout stage's own runner."""
    task, solution = task_of(FILES, INSTRUCTION, PATH, [Step(*step) for step in STEPS])
    agent = scripted_agent("teacher", 0, [task], [solution])
    attempts = plan(agent, [task], count, Caps(), sandbox)
    with tempfile.TemporaryDirectory() as folder, closing(Store(Path(folder, "store.sqlite"))) as store:
        start = perf_counter()
        done = runner.run(attempts, runner.local(agent, BUILTIN, Caps(), sandbox, AT_ONCE), store, Rules())
        seconds = perf_counter() - start
        finished = sum(_right(store.record(runner.STAGE, identity, Rollout)) for identity in done.there)
        failed = filter(None, (store.record(runner.FAILED, identity, Rollout) for identity in done.there))
        errors = tuple(f"{r.error.boundary}: {r.error.message}" for r in failed if r.error)
    return Tally(finished, count - finished, seconds, errors)


def _right(done: Rollout | None) -> bool:
    left = {change.path: change.content for change in done.changes} if done else {}
    return left.get(PATH) == CONTENT.encode()


def has_inspect(python: Path) -> bool:
    """Whether it is an interpreter that has inspect_ai."""
    with suppress(OSError):
        return subprocess.run([str(python), "-I", "-c", "import inspect_ai"], capture_output=True, check=False).returncode == 0
    return False


@contextmanager
def inspected(python: Path) -> Iterator[Ask]:
    """A function that asks inspect_episodes.py, which waits in a process of its own, with nothing of ours or of its own kept."""
    with tempfile.TemporaryDirectory() as home:
        env = {"PATH": os.defpath, "HOME": home, "LANG": "C.UTF-8"}
        command = [str(python), "-I", str(SCRIPT)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
            yield lambda asked: _answer(process, asked)


def _answer(process: subprocess.Popen[str], asked: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin and process.stdout  # noqa: S101 (they are pipes)
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{SCRIPT.name} ended with {process.wait()}")
    return dict(json.loads(line))


def theirs(ask: Ask, count: int) -> Tally:
    """The same episodes under inspect_ai."""
    told = {"instruction": INSTRUCTION, "files": FILES, "steps": STEPS, "content": CONTENT}
    got = ask({**told, "count": count, "at_once": AT_ONCE})
    return Tally(got["finished"], got["failed"], got["seconds"], tuple(got["errors"]))
