"""Wordings by hand: the entries of specs/wordings/*.yaml, and whether each still fits the task that it was written for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from generators.rewriting import gate
from generators.rewriting.records import Refusal, Rewording, Wording
from specs import located
from specs.catalogue import Spec
from specs.errors import Problem

SHOWN = 12  # characters of a digest that an entry is given to start with
LINE = 120  # characters


def rewording_of(entry: Spec) -> Rewording:
    """The words of an entry that validates."""
    return Rewording(entry.get("opening", ""), tuple(entry["steps"]), entry.get("closing", ""), entry["quotes"])


def refusals(entry: Spec, wording: Wording) -> list[Refusal]:
    """Why an entry can't stand for its task: it was written for other words, or the gate refuses it."""
    if not wording.digest.startswith(entry["compiled"]):
        hint = f"`make reword ID={entry.name}` prints it as it is now; mend the entry or take it out"
        return [Refusal("stale", "the compiled instruction is another by now", ("compiled",), hint)]
    return gate.refusals(wording, rewording_of(entry))


def problems(entry: Spec, refused: Sequence[Refusal], root: Path = Path()) -> list[Problem]:
    """Refusals with their places in the entry's file as it is now."""
    document = located.load(root / entry.path, entry.path)
    index = next(i for i, e in enumerate(document.value["rewordings"]) if e["task"] == entry.name)
    found = []
    for one in refused:
        found.append(document.problem(("rewordings", index, *one.steps), one.what, one.hint, key=one.reason == "unknown-demand"))
    return found


class _Text(str):
    """A text that is written as a block where it is long, and in quotes where it is short."""


class _Dumper(yaml.SafeDumper):
    """A dumper of its own, so that no other one learns of _Text."""


def _block(dumper: yaml.SafeDumper, value: _Text) -> yaml.ScalarNode:
    style = "|" if "\n" in value else ">" if len(value) > LINE // 2 else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style=style)


_Dumper.add_representer(_Text, _block)


def template(wording: Wording) -> str:
    """An entry to start from, as YAML: the compiled wording, with its own words as quotes."""
    start = gate.compiled(wording)
    entry: dict[str, Any] = {
        "task": _Text(wording.id),
        "compiled": _Text(wording.digest[:SHOWN]),
        "opening": _Text(start.opening),
        "steps": [_Text(step) for step in start.steps],
        "closing": _Text(start.closing),
        "quotes": {name: _Text(quote) for name, quote in start.quotes.items()},
    }
    return str(yaml.dump({"rewordings": [entry]}, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=LINE))
