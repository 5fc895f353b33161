"""What looks and slips are made from: a task with the steps of its solution, and the words and draws of one episode."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from sandbox.plays import Play
from specs import hostile
from specs.records import File, Step, Task

LARGE = 64 << 10  # bytes; a file past it is not read to think of something
SKILLS = ".skills/"
WRITING = ("write", "edit")
BEFORE, BEHIND = re.compile(r"[\w./-]"), re.compile(r"[\w-]|[./]\w")  # where a path goes on
SCRIPT = re.compile(r"\Apython3 - <<'EOF'\n(.*)\nEOF\s*\Z", re.DOTALL)


@dataclass
class Voice:
    """The draws of one episode and its words: none is said twice while there are others."""

    rng: random.Random
    said: set[str] = field(default_factory=set)

    def says(self, lines: Sequence[str], **words: str) -> str:
        """One of the lines, with the words in their places."""
        line = self.rng.choice([one for one in lines if one not in self.said] or list(lines))
        self.said.add(line)
        return line.format(**words).strip()


@dataclass(frozen=True)
class Scene:
    """A task and the steps that solve it, all but the closing answer."""

    task: Task
    steps: tuple[Step, ...]

    def file(self, path: str) -> File | None:
        """The given file of that path."""
        return next((file for file in self.task.workspace if file.path == path), None)

    def files(self) -> list[File]:
        """The given files that are no skill's."""
        return [file for file in self.task.workspace if not file.path.startswith(SKILLS)]

    def names(self, step: Step, path: str) -> bool:
        """Whether a step's arguments have that path in them, and not as a part of another."""
        return any(_stands_in(text, path) for text in _texts(step.arguments))

    def free(self, path: str) -> bool:
        """Whether nothing has that path, neither given nor made or looked at by any step."""
        there = {file.path for file in self.task.workspace} | set(self.task.outputs)
        taken = any(one == path or one.startswith(f"{path}/") or path.startswith(f"{one}/") for one in there)
        return not taken and not any(self.names(step, path) for step in self.steps)

    def pristine(self, path: str, index: int) -> bool:
        """Whether the file is as it was given when that step comes: no step before it can have changed it."""
        if not self.asked_for(path) and not any(step.tool in WRITING and self.names(step, path) for step in self.steps):
            return True
        return not any(step.tool != "read" and self.names(step, path) for step in self.steps[:index])

    def asked_for(self, path: str) -> bool:
        """Whether it is a result, or lies in a folder that is one."""
        return any(path == one or path.startswith(f"{one}/") for one in self.task.outputs)

    def works(self, step: Step) -> bool:
        """Whether a step makes something, by the look of it."""
        return step.tool in WRITING or (step.tool == "exec" and any(self.names(step, one) for one in self.task.outputs))


@dataclass(frozen=True)
class Slip:
    """What is played before a step, the mistake first and then what mends it; and what the step itself says after that."""

    plays: tuple[Play, ...]
    says: str


def script_of(step: Step) -> str:
    """The Python that a step runs from a here-document, and nothing else; empty where it does not."""
    found = SCRIPT.match(step.arguments["command"]) if step.tool == "exec" and not step.arguments.get("workdir") else None
    return found[1] if found else ""


def misspelt(voice: Voice, word: str) -> str:
    """A word with two letters swapped, one doubled or one left out, somewhere inside; as it is where it is too short."""
    at = [n for n in range(1, len(word) - 2) if word[n].isalpha() and word[n + 1].isalpha() and word[n] != word[n + 1]]
    if not at:
        return word
    n = voice.rng.choice(at)
    return word[:n] + voice.rng.choice([word[n + 1] + word[n], word[n] * 2 + word[n + 1], word[n + 1]]) + word[n + 2 :]


def _stands_in(text: str, path: str) -> bool:
    """Whether a text has that path in it, and not as a part of another."""
    at = text.find(path)
    while at >= 0:
        if not BEFORE.match(text[at - 1 : at]) and not BEHIND.match(text, at + len(path)):
            return True
        at = text.find(path, at + 1)
    return False


def _texts(value: Any) -> Iterator[str]:
    """All texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def suffix(path: str) -> str:
    """What a path ends with, in small letters and without the dot."""
    return PurePosixPath(path).suffix.lower().removeprefix(".")


def text_of(file: File | None) -> str:
    """A file's text; empty where there is none, or too much of it to think about."""
    if file is None or len(file.content) > LARGE:
        return ""
    return (hostile.text_of(file.content) or "").removeprefix("\ufeff")
