"""`make draft`: a language model writes a spec from notes, is told its mistakes up to twice, and leaves files for a person to review.

What it leaves lies in drafts/<kind>/<name>/, which nothing reads: a person moves it into the specs, in a pull request of their own.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import os
import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.drafting import answers, messages, trial
from bench.drafting.answers import KINDS, NAME, Draft
from sandbox.agents import KEY
from sandbox.endpoint import connect
from sandbox.harness import Complete, ContextFull
from specs import catalogue, digests, errors, hints, validate
from specs.corpus import FOLDERS
from specs.errors import BoundaryError, Problem, UserError

DRAFTS = Path("drafts")
ROUNDS = 3
LONGEST_NOTES = 100_000  # characters
LINE = re.compile(r"[^\x20-\x7e\xa0-\U0010ffff]+")  # what may not stand in a comment's line


@dataclass(frozen=True)
class Outcome:
    """The best answer, what is still wrong with it, and after how many rounds. `answer` is its text.

    `broke` is what kept the model from being asked again.
    """

    draft: Draft
    problems: tuple[Problem, ...]
    rounds: int
    answer: str
    broke: BoundaryError | None = None


Judge = Callable[[Draft], Sequence[Problem]]


def drafted(ask: Callable[[list[dict[str, Any]]], str], first: list[dict[str, Any]], read: Callable[[str], Draft], judge: Judge) -> Outcome:
    """Ask up to ROUNDS times, each time with the mistakes of the answer before.

    Raises what `ask` and `judge` raise in the first round; later, what there is is returned.
    """
    last = best = _round(1, ask(first), read, judge)
    talk = list(first)
    while last.problems and last.rounds < ROUNDS:
        talk += [{"role": "assistant", "content": last.answer}, {"role": "user", "content": messages.again(last.problems)}]
        try:
            last = _round(last.rounds + 1, ask(talk), read, judge)
        except BoundaryError as error:
            return dataclasses.replace(best, broke=error)
        best = last if _worth(last) >= _worth(best) else dataclasses.replace(best, rounds=last.rounds)
    return best


def _round(number: int, answer: str, read: Callable[[str], Draft], judge: Judge) -> Outcome:
    draft = read(answer)
    return Outcome(draft, draft.problems or tuple(judge(draft)), number, answer)


def _worth(outcome: Outcome) -> tuple[bool, bool, int]:
    return not outcome.problems, not outcome.draft.problems, -len(outcome.problems)


def asker(complete: Complete) -> Callable[[list[dict[str, Any]]], str]:
    """The text of a model's answer to a talk. Raises BoundaryError("endpoint") where there is none."""

    def ask(talk: list[dict[str, Any]]) -> str:
        try:
            response = complete(talk, [], {}).response
        except ContextFull as error:
            raise BoundaryError("endpoint", f"the prompt is too long for the model: {error}") from None
        try:
            text = response["choices"][0]["message"]["content"]
        except (KeyError, IndexError, TypeError):
            text = None
        if not isinstance(text, str) or not text.strip():
            raise BoundaryError("endpoint", "a response without a text")
        return text.encode("utf-8", "replace").decode()  # half a character can't be written down

    return ask


def written(outcome: Outcome, model: str, notes: str, drafts: Path = DRAFTS) -> tuple[Path, list[Problem]]:
    """Write the draft's files to a new folder below `drafts`; the folder, and what is still wrong at the lines of what was written."""
    draft = outcome.draft
    name = draft.name or f"unnamed-{digests.of_bytes(outcome.answer.encode())[:8]}"
    folder = next(f for f in _folders(drafts / draft.kind / name) if not f.exists())
    main = draft.main if draft.name else "answer.txt"
    head = _header(outcome, model, notes)
    files = {**draft.files, main: head + draft.files.get(main, "")} if draft.name else {main: head + outcome.answer}
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return folder, [_moved(p, folder, files.keys(), main, head.count("\n")) for p in outcome.problems]


def _folders(first: Path) -> Iterator[Path]:
    yield first
    yield from (first.with_name(f"{first.name}-{n}") for n in itertools.count(2))


def _header(outcome: Outcome, model: str, notes: str) -> str:
    """Comment lines that say where the draft came from."""
    state = "it validates and is accepted" if not outcome.problems else f"{len(outcome.problems)} mistakes are left"
    lines = [
        "Drafted by a language model, for a person to review. No dataset has it until it is moved to where specs lie.",
        f"model: {_line(model)}",
        f"notes: sha256 {digests.of_bytes(notes.encode())}",
        f"rounds: {outcome.rounds}; {state}",
        *(f"  {_line(str(p))}" for p in outcome.problems),
    ]
    return "".join(f"# {line}\n" for line in lines)


def _line(text: str) -> str:
    return LINE.sub(" ", text)[:300]


def _moved(problem: Problem, folder: Path, files: Collection[str], main: str, lines: int) -> Problem:
    """The problem at the place that its file has now; one that is about the answer as a whole stands at the main file."""
    if problem.path in files and problem.path != main:
        return dataclasses.replace(problem, path=(folder / problem.path).as_posix())
    if problem.path == main or "/" not in problem.path:
        return dataclasses.replace(problem, path=(folder / main).as_posix(), line=problem.line + lines)
    return problem


def taken(kind: str, root: Path = Path()) -> set[str]:
    """Names that a draft of the kind may not have: those of the specs and of other drafts."""
    folder = root / ("skills" if kind == "skill" else FOLDERS[kind])
    return {p.stem for p in folder.iterdir()} | {p.name for p in (root / DRAFTS / kind).glob("*")}


def _notes(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise UserError([Problem(path.as_posix(), 1, 1, "FROM", "no file of UTF-8 text", "name a SKILL.md or a file of notes")]) from None
    if not text.strip() or len(text) > LONGEST_NOTES:
        raise UserError([Problem(path.as_posix(), 1, 1, "FROM", f"has {len(text)} characters", f"notes have 1 to {LONGEST_NOTES}")])
    return text


def _checked(kind: str, name: str, names: Collection[str]) -> None:
    """Raise UserError for a kind or name that is none, or is taken."""
    if kind not in KINDS:
        raise UserError([Problem("command line", 1, 1, "KIND", f"'{kind}' can't be drafted", hints.among(kind, KINDS))])
    if name and not NAME.fullmatch(name):
        hint = "write it in kebab-case: small letters, digits, single dashes"
        raise UserError([Problem("command line", 1, 1, "NAME", f"'{name}' is not written as a name", hint)])
    if name in names:
        raise UserError([Problem("command line", 1, 1, "NAME", f"there is a {kind} or a draft '{name}' already", "choose another NAME")])


def main(argv: Sequence[str]) -> int:
    """Draft, and leave the files. Raises UserError for a mistake of the caller's, and for what the model did not mend."""
    parser = argparse.ArgumentParser(prog="python -m bench.draft", description="Have a language model draft a spec.")
    parser.add_argument("--from", dest="notes", type=Path, required=True, help="a SKILL.md, or any notes")
    parser.add_argument("--kind", required=True, help=", ".join(KINDS))
    parser.add_argument("--endpoint", required=True, metavar="URL", help="an OpenAI-compatible endpoint, up to and with /v1")
    parser.add_argument("--model", required=True, help="the model's name there")
    parser.add_argument("--name", default="", help="the name that the spec must have (default: the model chooses)")
    parser.add_argument("--key-env", default=KEY, help=f"the environment variable that holds the key, if any (default: {KEY})")
    args = parser.parse_args(argv)
    _checked(args.kind, args.name, ())
    names, notes = taken(args.kind), _notes(args.notes)
    _checked(args.kind, args.name, names)
    _, problems = validate.validate(Path())
    if problems:
        raise UserError(problems)
    complete = connect(args.endpoint, args.model, api_key=os.environ.get(args.key_env))
    first = [
        {"role": "system", "content": messages.system(args.kind, catalogue.load(), notes)},
        {"role": "user", "content": messages.asking(args.kind, notes, args.name)},
    ]
    outcome = drafted(asker(complete), first, lambda text: answers.read(args.kind, text, args.name, names), trial.judged)
    folder, left = written(outcome, args.model, notes)
    print(f"{folder.as_posix()}: {', '.join(sorted(p.relative_to(folder).as_posix() for p in folder.rglob('*') if p.is_file()))}")
    if outcome.broke:
        print("\n".join(map(str, left)), file=sys.stderr)
        raise outcome.broke
    if left:
        raise UserError(left)
    print(f"It validates and is accepted (rounds: {outcome.rounds}). Read it, then: {_adopting(outcome.draft, folder)}")
    return 0


def _adopting(draft: Draft, folder: Path) -> str:
    if draft.kind == "skill":
        return f"mv {folder.as_posix()} {draft.place().as_posix()}"
    return f"mv {(folder / draft.main).as_posix()} {draft.place().as_posix()}/"


if __name__ == "__main__":
    errors.run(main)
