"""What a model answered, taken as the files of one spec. Nothing of it is trusted: names and paths are those of a short list."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from specs.corpus import FOLDERS
from specs.errors import Problem

KINDS = ("persona", "scenario", "domain", "skill")
MARK = re.compile(r"^=== +([^\s=][^\n]*?) *(?:===)? *$", re.MULTILINE)  # a line that begins a file, or says that the last has ended
END = "end"
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
NAMED = re.compile(r"^(?:name|skill): *[\"']?([^\s\"'#]*)[\"']?(?: .*)?$", re.MULTILINE)
SKILL_FILE = re.compile(r"SKILL\.md|operations\.yaml|solutions/[a-z0-9][a-z0-9_-]{0,60}\.py")
FENCE = re.compile(r"^ *(```+|~~~+)[^\n`]*\n(.*?)^ *\1 *$", re.MULTILINE | re.DOTALL)
HIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029\u202a-\u202e\u2066-\u2069]")  # a reviewer would not see these
LONGEST = 200_000  # characters of an answer
LONGEST_NAME = 60
MOST_FILES = 40


@dataclass(frozen=True)
class Draft:
    """One answer: the name that the spec gives itself (empty where that may not be used), its files by their path in the draft's folder.

    `problems` are those of the answer itself: its paths are those of the draft's folder.
    """

    kind: str
    name: str
    files: dict[str, str]
    problems: tuple[Problem, ...]

    @property
    def main(self) -> str:
        """The path of its YAML in the draft's folder."""
        return "operations.yaml" if self.kind == "skill" else f"{self.name}.yaml"

    def place(self) -> Path:
        """The folder of a spec tree that the files go to."""
        return Path("skills") / self.name if self.kind == "skill" else Path(FOLDERS[self.kind])


def read(kind: str, answer: str, asked: str = "", taken: Collection[str] = ()) -> Draft:
    """The files of an answer. `asked` is the name that it must have, `taken` are names that it may not have."""
    if len(answer) > LONGEST:
        return Draft(kind, "", {}, (_problem(f"the answer has {len(answer)} characters", f"at most {LONGEST}"),))
    text = answer.replace("\r\n", "\n").rpartition("</think>")[2]
    parts, problems = _skill(text) if kind == "skill" else _single(text)
    problems += [
        _problem("holds characters that nobody sees", "write plain text", path) for path, body in parts.items() if HIDDEN.search(body)
    ]
    main = parts.get("operations.yaml" if kind == "skill" else "", "")
    name = "" if not main else _name(main)
    wrong = list(_name_problems(kind, name, asked, taken)) if main else []
    name = "" if wrong else name
    files = parts if kind == "skill" else {f"{name}.yaml": body for body in parts.values()}
    return Draft(kind, name, files, tuple([*problems, *wrong]))


def _problem(what: str, hint: str = "", path: str = "answer", line: int = 1, where: str = "") -> Problem:
    return Problem(path or "answer", line, 1, where, what, hint)


def _single(text: str) -> tuple[dict[str, str], list[Problem]]:
    """The one YAML of an answer, under the empty path: a marked file, else the only fenced block, else the whole."""
    marked, _ = _marked(text)
    if marked:
        bodies = [body for _, body in marked]
    else:
        blocks = [found.group(2) for found in FENCE.finditer(text)]
        bodies = blocks or [text]
    bodies = [b for b in bodies if b.strip()]
    if len(bodies) != 1:
        what = f"{len(bodies)} files where one is wanted" if bodies else "no file"
        return {}, [_problem(what, "answer with one YAML file between the lines '=== draft.yaml' and '=== end'")]
    return {"": _closed(bodies[0])}, []


def _skill(text: str) -> tuple[dict[str, str], list[Problem]]:
    """The marked files of a skill by path, and those that may not be."""
    marked, problems = _marked(text)
    hint = "begin each file with a line '=== <path>' (SKILL.md, operations.yaml, solutions/<operation>.py), and end with '=== end'"
    if not marked:
        return {}, [_problem("no files", hint)]
    files: dict[str, str] = {}
    for path, body in marked:
        if not SKILL_FILE.fullmatch(path):
            problems.append(_problem(f"the path {path[:80]!r} is not one that a skill's draft may have", hint))
        elif path in files:
            problems.append(_problem(f"a second {path}", "answer with each file once", path))
        elif len(files) == MOST_FILES:
            return files, [*problems, _problem(f"more than {MOST_FILES} files")]
        else:
            files[path] = _closed(body)
    problems += [_problem(f"no {path}", hint) for path in ("SKILL.md", "operations.yaml") if path not in files]
    return files, problems


def _marked(text: str) -> tuple[list[tuple[str, str]], list[Problem]]:
    """(path, body) of each marked file, in order."""
    marks = list(MARK.finditer(text))
    found = []
    for number, mark in enumerate(marks):
        until = marks[number + 1].start() if number + 1 < len(marks) else len(text)
        if mark.group(1) != END:
            found.append((mark.group(1).removeprefix("file:").strip(" `"), text[mark.end() : until]))
    unended = found and marks[-1].group(1) != END
    return found, [
        _problem("the last file has no end", "write '=== end' after it; an answer that was cut off is too long")
    ] if unended else []


def _closed(body: str) -> str:
    """A file's text without a fence around the whole of it, with one line end at its end."""
    whole = FENCE.fullmatch(body.strip() + "\n") or FENCE.fullmatch(body.strip())
    return (whole.group(2) if whole else body).strip("\n") + "\n"


def _name(main: str) -> str:
    found = NAMED.search(main)
    return found.group(1) if found else ""


def _name_problems(kind: str, name: str, asked: str, taken: Collection[str]) -> Iterator[Problem]:
    key = "skill" if kind == "skill" else "name"
    path = "operations.yaml" if kind == "skill" else "draft.yaml"
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        hint = f"write it in kebab-case, at most {LONGEST_NAME} characters"
        yield _problem(f"{name[:80]!r} is not written as a name" if name else f"lacks '{key}'", hint, path, where=key)
    elif asked and name != asked:
        yield _problem(f"'{name}' is not the name that was asked for", f"write {asked}", path, where=key)
    elif name in taken:
        yield _problem(f"there is a {kind} '{name}' already", "choose another name", path, where=key)
