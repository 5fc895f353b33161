"""Responses of models as the repository records them: JSON Lines by the beginning of the task's id, each under its request's digest.

The same responses give the same bytes, whatever the order in which they came.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specs import digests
from specs.errors import Problem, UserError
from specs.replies import Reply, Request

WORDINGS = Path("specs/wordings/recorded")
PREFIX = 2  # characters of a task's id that name a file
HINT = "these files are written by what asks a model; restore the line, or remove it to ask again"


@dataclass(frozen=True)
class Response:
    """A reply with what it answers: the task, the kind of call, the model, the request's digest."""

    task: str
    digest: str
    kind: str
    model: str
    reply: Reply


def response_to(task: str, request: Request, reply: Reply) -> Response:
    """The record of a reply."""
    return Response(task, request.digest, request.kind, request.model, reply)


def path_of(task: str, folder: Path = WORDINGS) -> Path:
    """The file that holds a task's responses."""
    return folder / f"{task[:PREFIX]}.jsonl"


class Records:
    """The responses in a folder, read file by file; the last file stays in memory, so ask for tasks in the order of their ids."""

    def __init__(self, folder: Path = WORDINGS):
        self._folder = folder
        self._path: Path | None = None
        self._responses: dict[str, dict[str, Response]] = {}

    def of(self, task: str) -> dict[str, Response]:
        """The responses about a task, by digest. Raises UserError for a file with lines that are no responses."""
        path = path_of(task, self._folder)
        if path != self._path:
            self._path, self._responses = path, {}
            for response in read(path):
                self._responses.setdefault(response.task, {})[response.digest] = response
        return self._responses.get(task, {})


def read(path: Path) -> list[Response]:
    """The responses in a file, none where there is no file. Raises UserError with every line that is no response."""
    if not path.is_file():
        return []
    found, problems = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").removesuffix("\n").split("\n"), 1):
        try:
            found.append(_up(json.loads(line)))
        except (ValueError, TypeError, KeyError, RecursionError):
            problems.append(Problem(path.as_posix(), number, 1, "", "not a recorded response", HINT))
    if problems:
        raise UserError(problems)
    return found


def write(responses: Iterable[Response], folder: Path = WORDINGS, only: bool = False) -> int:
    """Add responses to the folder, or leave `only` these in it; returns how many the folder then has."""
    files: dict[Path, dict[tuple[str, str], Response]] = {path: {} for path in sorted(folder.glob("*.jsonl"))}
    if not only:
        for path in files:
            files[path] = {(r.task, r.digest): r for r in read(path)}
    for response in responses:
        files.setdefault(path_of(response.task, folder), {}).setdefault((response.task, response.digest), response)
    for path, there in files.items():
        _replace(path, "".join(digests.canonical(_down(there[key])) + "\n" for key in sorted(there)))
    return sum(map(len, files.values()))


def _replace(path: Path, text: str) -> None:
    """Write a file in one step, and only where it changes; one without lines goes."""
    if not text:
        path.unlink(missing_ok=True)
    elif not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        other = path.with_suffix(".part")
        other.write_text(text, encoding="utf-8", newline="\n")
        other.replace(path)


def _down(response: Response) -> dict[str, Any]:
    return dataclasses.asdict(response)


def _up(value: dict[str, Any]) -> Response:
    """Raises ValueError, KeyError or TypeError for what is not a response."""
    reply = Reply(**value["reply"])
    if not all(isinstance(t, str) for t in (reply.text, reply.finish, reply.declined, value["task"], value["kind"], value["model"])):
        raise ValueError("text expected")
    if not re.fullmatch(r"[0-9a-f]{64}", value["digest"]):
        raise ValueError("not a digest")
    return Response(value["task"], value["digest"], value["kind"], value["model"], reply)
