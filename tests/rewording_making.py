"""For tests of rewording: a small compiled wording, a model that rewords it honestly, and an endpoint that plays a script over HTTP."""

from __future__ import annotations

import dataclasses
import json
import re
from contextlib import AbstractContextManager
from typing import Any

import endpoint_making
from endpoint_making import Answer, Body, Played, Script, completion

from generators.rewriting.literals import literals, plain
from generators.rewriting.records import Demand, Rewording, Wording

__all__ = ["Answer", "Body", "Played", "Script", "completion"]  # for the tests that take all from here

OPENING = "Ada here. The market is tomorrow, at nine, and I trust nobody in Ostend. I want to know what to carry."
STEPS = (
    "Please make me a clean list from the till roll (`shop/sales.csv`) and put it in `results/clean.csv`. If price and buyer match, "
    "it is the same sale; the one with the lowest sale no stays. I need `results/clean.csv` as CSV, columns `sale_no`, `buyer` and "
    "`price`, nothing more.",
    "Now the two with the highest price out of `results/clean.csv`, those marked “open”, since 2026-03-09, that day itself included. "
    "They go into `results/top.json`, written as JSON.",
)
CLOSING = "Write to Maud in no more than 50 words. The originals stay untouched, please.\n\nNo hurry."
PEOPLE = ("Ada", "Maud")
SAID = (
    (1, "till.clean/input", "from the till roll (`shop/sales.csv`)", ()),
    (1, "till.clean/alike", "if price and buyer match, it is the same sale", ("price", "buyer")),
    (1, "till.clean/survivor", "the one with the lowest sale no stays", ("sale no",)),
    (1, "till.clean/out", "`results/clean.csv`", ()),
    (1, "table/form", "as CSV", ()),
    (1, "table/columns", "columns `sale_no`, `buyer` and `price`, nothing more", ()),
    (2, "till.top/count", "the two with the highest price", ("price",)),
    (2, "till.top/input", "out of `results/clean.csv`", ()),
    (2, "till.top/choice", "marked “open”", ()),
    (2, "till.top/start", "since 2026-03-09", ()),
    (2, "till.top/edge", "that day itself included", ()),
    (2, "till.top/out", "`results/top.json`", ()),
    (2, "table/form", "written as JSON", ()),
    (0, "message/length", "in no more than 50 words", ()),
    (0, "message/who", "to Maud", ()),
    (0, "persona/originals", "The originals stay untouched, please", ()),
)


def wording(identity: str = "0a1b2c3d4e5f", opening: str = OPENING) -> Wording:
    """A compiled wording of two steps with sixteen demands."""
    demands = [
        Demand(step, f"{step}-{name}" if step else name, saying, literals(saying, PEOPLE, columns)) for step, name, saying, columns in SAID
    ]
    text = "\n\n".join([opening, *STEPS, CLOSING])
    return Wording(identity, "grocer", "market-day", text, opening, STEPS, CLOSING, PEOPLE, tuple(demands))


def reworded() -> Rewording:
    """Other words for it, in which nothing is lost."""
    return Rewording(
        opening="It's Ada. Tomorrow at nine I stand on the market, I trust nobody in Ostend, and I have to know what to carry.",
        steps=(
            "First I want the till roll (`shop/sales.csv`) cleaned up: whenever price and buyer are equal it is one sale typed in twice, and of "
            "those I keep whichever has the lowest sale no. Put it in `results/clean.csv`, which is to be plain CSV with the columns `sale_no`, "
            "`buyer`, `price` and not one more.",
            "Then go on with `results/clean.csv`: give me the two of the highest price among those marked “open”, counting from 2026-03-09 with "
            "that day included, and save them as JSON in `results/top.json`.",
        ),
        closing="Send Maud a line or so, 50 words at most. And hands off my originals. No hurry.",
        quotes={
            "1-till.clean/input": "the till roll (`shop/sales.csv`)",
            "1-till.clean/alike": "whenever price and buyer are equal it is one sale",
            "1-till.clean/survivor": "keep whichever has the lowest sale no",
            "1-till.clean/out": "Put it in `results/clean.csv`",
            "1-table/form": "plain CSV",
            "1-table/columns": "the columns `sale_no`, `buyer`, `price` and not one more",
            "2-till.top/input": "go on with `results/clean.csv`",
            "2-till.top/count": "the two of the highest price",
            "2-till.top/choice": "those marked “open”",
            "2-till.top/start": "counting from 2026-03-09",
            "2-till.top/edge": "with that day included",
            "2-till.top/out": "in `results/top.json`",
            "2-table/form": "save them as JSON",
            "message/length": "50 words at most",
            "message/who": "Send Maud a line",
            "persona/originals": "hands off my originals",
        },
    )


def changed(new: Rewording, old: str, other: str, quotes: bool = True) -> Rewording:
    """The rewording with some of its words replaced in every passage, and in the quotes as well; the words must occur."""
    assert old in new.instruction, old
    return dataclasses.replace(
        new,
        opening=new.opening.replace(old, other),
        steps=tuple(s.replace(old, other) for s in new.steps),
        closing=new.closing.replace(old, other),
        quotes={n: q.replace(old, other) if quotes else q for n, q in new.quotes.items()},
    )


def material(body: Body) -> dict[str, Any]:
    """What a request is about: the JSON of its first user message."""
    found: dict[str, Any] = json.loads(body["messages"][1]["content"])
    return found


def asks_names(body: Body) -> bool:
    """Whether a request is the second call."""
    return "statements" in material(body)


def rewrite(about: dict[str, Any]) -> dict[str, Any]:
    """An honest rewording of any compiled wording: each passage with a few words more, each saying quoted."""
    quotes = {str(d["number"]): d["says"].removeprefix("the result goes into ") for d in about["demands"]}
    steps = [f"Now then, as ever. {text}" for text in about["steps"]]
    return {"opening": f"Well, well. {about['opening']}", "steps": steps, "closing": about["closing"], "quotes": quotes}


def name(about: dict[str, Any]) -> dict[str, list[str]]:
    """An honest reading: a piece states what stands in it to the letter; a list of columns is known in other words too."""
    return {label: _named(_flat(piece), {s: _flat(t) for s, t in about["statements"].items()}) for label, piece in about["pieces"].items()}


def _flat(text: str) -> str:
    text = text.partition(" (in full: ")[0]
    return " ".join(plain(text).lower().split()).removeprefix("the result goes into ").strip(" .;,:")


def _named(piece: str, statements: dict[str, str]) -> list[str]:
    found = [label for label, text in statements.items() if text in piece]
    lists = {_columns(statements[label]) for label in found}
    here = _columns(piece)
    return found + [s for s, text in statements.items() if _columns(text) and _columns(text) not in lists and _columns(text) in here]


def _columns(text: str) -> str:
    named = re.findall(r"`[^`]+`", text)
    return ", ".join(named) if "columns" in text and len(named) > 1 else ""


def honest(body: Body) -> str:
    """A model that does as it is asked."""
    about = material(body)
    return json.dumps(name(about) if asks_names(body) else rewrite(about), ensure_ascii=False)


def endpoint(script: Script = honest, delay_s: float = 0.0) -> AbstractContextManager[Played]:
    """The scripted endpoint, which rewords honestly unless told otherwise."""
    return endpoint_making.endpoint(script, delay_s)
