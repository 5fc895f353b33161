"""One question about one text: what a model is asked, how its answers are read, what several of them come to.

The text is an agent's and hostile. It stands between two lines that begin with a digest of itself, so that nothing in it can end it.
"""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specs import digests
from specs.records import RubricItem, Task
from specs.replies import NoObject, Reply, Request, Talk, json_object, said
from verifiers.snapshot import Unreadable, View, inputs

PROMPT = Path(__file__).parent / "prompts" / "judge.txt"
KIND = "judge"
LONGEST_TEXT = 12_000  # characters; a text that a person is to read is far below
LONGEST_FILES = 16_000  # characters of the given files that stand beside it
SHORTEST_QUOTE = 8  # characters; less occurs anywhere
LONGEST_WHY = 160
YES, NO = "yes", "no"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["evidence", "why", "answer"],
    "properties": {
        "evidence": {"type": "array", "items": {"type": "string"}},
        "why": {"type": "string"},
        "answer": {"type": "string", "enum": [YES, NO]},
    },
}
_HIDDEN = re.compile(r"[^\S \n\t]|[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]")
_MARKS = re.compile(r"<(?=\S)|\[(?=/?[A-Z]{3,}\])")  # how chat templates spell the ends of a turn: <|im_end|>, </s>, [/INST]
_CURLY = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "-", "—": "-"})


@dataclass(frozen=True)
class Judge:
    """Who judges and how: the model, votes on each question, tries for each vote, what goes into the request as sampling."""

    model: str
    votes: int
    tries: int
    sampling: dict[str, Any]

    @property
    def digest(self) -> str:
        """Digest of all that decides what is asked and how answers count."""
        code = [digests.of_bytes(path.read_bytes()) for path in (PROMPT, Path(__file__))]
        return digests.digest([self.model, self.votes, self.tries, self.sampling, code])


@dataclass(frozen=True)
class Question:
    """A criterion's question about a text as it is shown; `beside` is what is shown with it, as JSON."""

    ask: str
    text: str
    beside: str


@dataclass(frozen=True)
class Vote:
    """One reading of an answer: yes, no, or empty where it is void; the first quote, and why."""

    answer: str
    quote: str
    why: str


@dataclass(frozen=True)
class Judgement:
    """What the votes come to: `met` where more than half of all votes that there may be say yes. A void vote never does."""

    met: bool
    votes: tuple[Vote, ...]

    @property
    def why(self) -> str:
        """The count of votes, and what one on the winning side said."""
        counts = Counter(v.answer or "void" for v in self.votes)
        told = ", ".join(f"{counts[name]} {name}" for name in (YES, NO, "void") if counts[name])
        speaker = next((v for v in self.votes if (v.answer == YES) == self.met and v.answer), self.votes[-1])
        quote = f" (“{speaker.quote[:LONGEST_WHY]}”)" if speaker.quote else ""
        return f"{told}: {speaker.why[:LONGEST_WHY]}{quote}"


def question(task: Task, item: RubricItem, view: View) -> Question:
    """The question about the text at the item's path. Raises Fault where no such text can be read."""
    try:
        text = view.read(item.path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(f"{item.path} is not UTF-8") from None
    if not text.strip():
        raise Unreadable(f"{item.path} is empty")
    if len(text) > LONGEST_TEXT:
        raise Unreadable(f"{item.path} has {len(text)} characters, more than anybody is to read")
    beside = {"request": task.instruction} | ({"files": _files(task)} if item.beside == "workspace" else {})
    return Question(item.question, shown(text), json.dumps(beside, ensure_ascii=False))


def shown(text: str) -> str:
    """The text as a model sees it: hidden characters are made visible, and nothing spells a chat template's marks."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return _MARKS.sub(lambda found: f"{found.group()} ", _HIDDEN.sub("\ufffd", plain))


def _files(task: Task) -> dict[str, str]:
    """The given files by path: those that are texts, as far as there is room; of others and of what is cut it says so."""
    found: dict[str, str] = {}
    room = LONGEST_FILES
    for file in inputs(task):
        try:
            text = file.content.decode("utf-8")
        except UnicodeDecodeError:
            found[file.path] = "(not a text)"
            continue
        found[file.path] = shown(text[:room]) + (" (cut)" if len(text) > room else "")
        room = max(0, room - len(text))
    return found


def fence(asked: Question, vote: int, attempt: int) -> str:
    """A mark that looks random, is the same each time, and occurs in nothing that it surrounds."""
    number = 0
    while True:
        mark = digests.digest([asked.ask, asked.text, asked.beside, vote, attempt, number])[:32]
        if mark not in asked.text and mark not in asked.beside and mark not in asked.ask:
            return mark
        number += 1


def request(asked: Question, judge: Judge, vote: int, attempt: int) -> Request:
    """The call for one vote. Another vote or try has another fence, and so is another request."""
    mark = fence(asked, vote, attempt)
    parts = [
        f"The question: {asked.ask}",
        f"What was asked for and given, as JSON: {asked.beside}",
        f"The text is all between the two lines that begin with {mark}.",
        f"{mark} begins\n{asked.text}\n{mark} ends",
        f"Once more, the question about that text: {asked.ask}",
    ]
    return Request(KIND, judge.model, (said("system", _prompt()), said("user", "\n\n".join(parts))), judge.sampling, SCHEMA)


def judgement(asked: Question, judge: Judge) -> Talk[Judgement]:
    """Ask for votes until the outcome is certain. A void vote is asked for again in the tries that are left."""
    votes: list[Vote] = []
    needed = judge.votes // 2 + 1
    for number in range(judge.votes):
        vote = Vote("", "", "")
        for attempt in range(judge.tries):
            vote = read(asked.text, (yield request(asked, judge, number, attempt)))
            if vote.answer:
                break
        votes.append(vote)
        yes = sum(v.answer == YES for v in votes)
        if yes >= needed or yes + judge.votes - len(votes) < needed:
            break
    return Judgement(sum(v.answer == YES for v in votes) >= needed, tuple(votes))


def read(text: str, reply: Reply) -> Vote:
    """The vote in a reply: void where it has not the form, where a quote is not in the text, or where a yes quotes nothing."""
    try:
        value = json_object(reply)
    except NoObject as error:
        return Vote("", "", str(error))
    evidence, answer = value.get("evidence"), value.get("answer")
    why = value.get("why") if isinstance(value.get("why"), str) else ""
    quotes = [evidence] if isinstance(evidence, str) else evidence
    if not (isinstance(quotes, list) and all(isinstance(q, str) for q in quotes) and isinstance(answer, str)):
        return Vote("", "", "the answer has not the form that was asked for")
    answer, quotes = answer.strip().casefold(), [q for q in quotes if q.strip()]
    if answer not in (YES, NO):
        return Vote("", "", "neither yes nor no")
    lacking = next((q for q in quotes if not quoted(text, q)), None)
    if lacking is not None:
        return Vote("", "", f"a quote that is not in the text: {' '.join(lacking.split())[:LONGEST_WHY]}")
    if answer == YES and not quotes:
        return Vote("", "", "a yes without a quote")
    return Vote(answer, " ".join(quotes[0].split()) if quotes else "", " ".join(str(why).split()))


def quoted(text: str, quote: str) -> bool:
    """Whether the quote stands in the text, whatever the blanks and the kind of quotation marks; a few letters are no quote."""
    there, part = _flat(text), _flat(quote)
    part = part if part in there else part.strip("\"' ")
    return part in there and (len(part) >= SHORTEST_QUOTE or part == there)


def _flat(text: str) -> str:
    return " ".join(text.translate(_CURLY).split())


@functools.cache
def _prompt() -> str:
    return PROMPT.read_text(encoding="utf-8")
