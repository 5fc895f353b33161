"""For tests of the judge: a task with a letter and a rubric, what agents leave behind, and a scripted judge that reads its requests."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import making
from endpoint_making import Body

from specs.records import Change, Rollout, RubricItem, Task, Usage, Verifier, Weights, change_of, sealed

PATH = "out/letter.txt"
RIGHT = "Dear Ms Kühn,\n\nhere is what you asked for.\n\nItems: 3\nTotal: 12.50\n\nThank you.\n"
FACTS: dict[str, Any] = {
    "path": PATH,
    "facts": [{"label": "Items", "value": "3", "type": "integer"}, {"label": "Total", "value": "12.50", "type": "number", "decimals": 2}],
    "greeting": "Ms Kühn",
    "max_words": 80,
}
SECTION: dict[str, Any] = {
    "model": "some-judge",
    "key_env": None,
    "votes": 3,
    "tries": 2,
    "sampling": {"temperature": 0.7, "max_tokens": 400},
    "concurrency": 4,
    "requests_per_minute": 60_000,
    "timeout_s": 5,
    "retries": 1,
}
POLITE = RubricItem("1-letter/polite", "Is Ms Kühn treated with courtesy?", 1.0, PATH, "request", ("insulting", "chummy"))
SUPPORTED = RubricItem("1-letter/supported", "Does everything follow from the given files?", 3.0, PATH, "workspace", ("inventing",))


def task(identity: str = "0a1b2c3d4e5f") -> Task:
    return making.task({"in.csv": "item,price\na,12.50\n"}, "Write to Ms Kühn.", [PATH], identity)


def verifier(identity: str = "0a1b2c3d4e5f", items: Sequence[RubricItem] = (POLITE, SUPPORTED), *more: dict[str, Any]) -> Verifier:
    """A verifier of the letter and, with `more`, of other checks."""
    plain = making.verifier([{"kind": "message", "params": FACTS, "id": "letter"}, *more], identity)
    return sealed(dataclasses.replace(plain, rubric=tuple(items), weights=Weights(0.7, 0.3)))


def letter(text: str = RIGHT) -> Change:
    return change_of(PATH, text.encode())


def rollout(of: Task, *changes: Change, identity: str = "r1") -> Rollout:
    return Rollout(
        identity, of.id, of.digest, "someone", 0, {}, {}, {}, "completed", "", None, (), [], [], Usage(0, 0, 0, 0), 0.1, changes,
    )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request as it can be read: the question, what stands beside the text, the fence, the text."""

    question: str
    beside: dict[str, Any]
    fence: str
    text: str


def asked(body: Body) -> Asked:
    """What a request asks: all by the fence that it announces."""
    content = body["messages"][1]["content"]
    fence = re.findall(r"two lines that begin with ([0-9a-f]{32})\.", content)[0]
    _, text, _ = re.split(rf"^{fence} (?:begins\n|ends$)", content, flags=re.MULTILINE)
    question = content.split("\n", 1)[0].removeprefix("The question: ")
    beside = json.loads(content.split("\n\n")[1].removeprefix("What was asked for and given, as JSON: "))
    return Asked(question, beside, fence, text.removesuffix("\n"))


def answer(said: str, evidence: Sequence[str] = ("here is what you asked for",), why: str = "so it reads") -> str:
    return json.dumps({"evidence": list(evidence), "why": why, "answer": said})


def plain(verdict: Callable[[Asked], bool] = lambda _: True) -> Callable[[Body], str]:
    """A judge that quotes the text's first line and answers by a rule."""

    def script(body: Body) -> str:
        about = asked(body)
        return answer("yes" if verdict(about) else "no", [about.text.strip().split("\n")[0]])

    return script
