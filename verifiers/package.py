"""A package of source code in a workspace: what of it may change, what of it enters a box, and what a run in one has come to before."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from specs import digests
from specs.records import File, file_of
from verifiers.snapshot import View, given, inputs, inside

_LEFTOVERS = ("__pycache__", ".pytest_cache")
_MOST = 512
_known: dict[str, Any] = {}


def touched(params: dict[str, Any], view: View) -> str:
    """A path under `params["under"]` that is changed, gone or new and not in `params["may_change"]`; empty where there is none.

    Leftovers of running Python don't count.
    """
    before = given(view.task)
    for path in sorted({*view.files(params["under"]), *(p for p in before if inside(p, params["under"]))}):
        leftover = any(part in _LEFTOVERS for part in path.split("/")) and path not in before
        if path not in params["may_change"] and not leftover and view.digest(path) != before.get(path):
            return path
    return ""


def files(params: dict[str, Any], view: View) -> list[File]:
    """What a box holds: the given files, but those that may change as they are now. All else an agent left stays out of it."""
    kept = [f for f in inputs(view.task) if f.path not in params["may_change"]]
    return kept + [file_of(p, view.read(p)) for p in params["may_change"] if p in view.entries]


def job(runner: Path, how: dict[str, Any]) -> tuple[str, str, list[File]]:
    """A folder of ours for a box, a nonce, and the files in it: the runner, and a job that tells it `how` and the nonce to report by."""
    nonce = secrets.token_hex(16)
    folder = f".check-{nonce[:8]}"
    told = json.dumps({**how, "nonce": nonce}).encode()
    return folder, nonce, [file_of(f"{folder}/run.py", runner.read_bytes()), file_of(f"{folder}/job.json", told)]


def reported(data: bytes, nonce: str) -> list[str]:
    """What follows the nonce on each line that begins with it; other lines are what an agent's code wrote there."""
    lines = data.decode("utf-8", "replace").split("\n")
    return [rest for mark, _, rest in (line.partition(" ") for line in lines) if mark == nonce]


def key(given: Iterable[File], how: Any) -> str:
    """Digest of all that a run depends on: the files in the box, and how they are run (as JSON)."""
    return digests.digest([[(f.path, f.mode, f.digest) for f in given], how])


def recall(run: str) -> Any:
    """What the run of that key came to in this process, or None: most outcomes of a task leave its package as another one does."""
    return _known.get(run)


def remember(run: str, outcome: Any) -> None:
    """Keep what a run came to. What ran out of time is not for keeping: it may have been the machine's fault."""
    if len(_known) >= _MOST:
        _known.clear()
    _known[run] = outcome


def forget() -> None:
    """Have every run be run again."""
    _known.clear()
