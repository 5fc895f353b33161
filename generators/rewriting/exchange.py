"""The exchange with a model about one task: what is asked, how answers are read, when a rewording is taken.

It is a generator that yields requests and is sent replies, so that asking over the network and deciding from what is recorded are
the same code.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generators.rewriting import gate, readback
from generators.rewriting.records import Refusal, Rewording, Wording
from specs.catalogue import Catalogue
from specs.replies import NoObject, Reply, Request, Talk, json_object, said

PROMPTS = Path(__file__).parent.parent / "prompts"
REWRITE, NAME = "rewrite", "name"
TOLD = 12  # refusals that a model is told of


@dataclass(frozen=True)
class Settings:
    """What of params.yaml decides the words: the model, how it samples, how often it may try."""

    model: str
    rounds: int
    sampling: dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What an exchange came to: the rewording that is taken, or why there is none."""

    rewording: Rewording | None
    refusals: tuple[Refusal, ...] = ()


Exchange = Talk[Outcome]


def exchange(specs: Catalogue, wording: Wording, settings: Settings) -> Exchange:
    """Ask for a rewording, hold it against the gate, have its quotes named; a refused one may be mended in the rounds that are left."""
    messages = [said("system", _prompt(REWRITE)), said("user", _material(specs, wording))]
    refused: list[Refusal] = []
    for _ in range(settings.rounds):
        reply = yield Request(REWRITE, settings.model, tuple(messages), settings.sampling)
        rewording, refused = read_rewording(wording, reply)
        if rewording is not None:
            refused = gate.refusals(wording, rewording)
            if not refused:
                refused = yield from _named(wording, rewording, settings)
            if not refused:
                return Outcome(rewording)
        messages += [said("assistant", reply.text), said("user", _complaint(refused))]
    return Outcome(None, tuple(refused))


def _named(wording: Wording, rewording: Rewording, settings: Settings) -> Generator[Request, Reply, list[Refusal]]:
    """The second call, of a conversation of its own: it knows nothing but pieces and statements."""
    asked = readback.questions(wording, rewording)
    material = json.dumps({"statements": asked.statements, "pieces": asked.pieces}, ensure_ascii=False, indent=1)
    messages = (said("system", _prompt(NAME)), said("user", material))
    reply = yield Request(NAME, settings.model, messages, {**settings.sampling, "temperature": 0})
    value = _object(reply)
    if isinstance(value, Refusal):
        return [Refusal("unreadable-reading", f"the second call: {value.what}")]
    named = {label: labels for label, labels in value.items() if isinstance(labels, list) and all(isinstance(n, str) for n in labels)}
    return readback.refusals(wording, asked, named)


def read_rewording(wording: Wording, reply: Reply) -> tuple[Rewording | None, list[Refusal]]:
    """The rewording in a reply, or why there is none to be read."""
    value = _object(reply)
    if isinstance(value, Refusal):
        return None, [value]
    opening, steps, closing = value.get("opening") or "", value.get("steps"), value.get("closing") or ""
    quotes = value.get("quotes")
    if not (isinstance(steps, list) and isinstance(quotes, dict) and all(isinstance(t, str) for t in (opening, closing, *steps))):
        return None, [Refusal("not-as-asked", "the answer has not the form that was asked for")]
    names = {str(n): d.name for n, d in enumerate(wording.demands, 1)}
    read = {names[str(n)]: q for n, q in quotes.items() if str(n) in names and isinstance(q, str)}
    return Rewording(opening, tuple(steps), closing, read), []


def _object(reply: Reply) -> dict[str, Any] | Refusal:
    """The JSON object in a reply, or why there is none."""
    try:
        return json_object(reply)
    except NoObject as error:
        return Refusal(error.reason, str(error))


def _material(specs: Catalogue, wording: Wording) -> str:
    """What the model is given to reword, as JSON: nothing in it can pass for the frame."""
    persona, scenario = specs.personas[wording.persona], specs.scenarios[wording.scenario]
    said = [
        {"number": n, "step": d.step or None, "says": readback.statement(d), "keep": [gate.shown(one) for one in d.literals]}
        for n, d in enumerate(wording.demands, 1)
    ]
    material = {
        "persona": {"who": persona["who"], "voice": persona.get("voice", [])},
        "scenario": {"because": scenario["because"], "for": scenario.get("for", "")},
        "opening": wording.opening,
        "steps": list(wording.steps),
        "closing": wording.closing,
        "demands": said,
    }
    return json.dumps(material, ensure_ascii=False, indent=1)


def _complaint(refused: Sequence[Refusal]) -> str:
    return "That can't be taken:\n" + "\n".join(f"- {r.what}" for r in refused[:TOLD]) + "\nAnswer with the whole JSON object once more."


@functools.cache
def _prompt(name: str) -> str:
    return (PROMPTS / f"{name}.txt").read_text(encoding="utf-8")
