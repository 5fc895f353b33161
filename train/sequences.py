"""The stage that turns solved teacher rollouts into token sequences with a mask on what the assistant said.

The calls of a rollout are merged: mostly into one sequence, into several where the harness rewrote the conversation.

What comes out depends on which rollouts were solved and on nothing else of a verdict, so a verifier that is corrected
without changing that leaves every checkpoint as it is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from specs import digests, errors, layout, params, progress, rows, shards, tokens
from specs.errors import BoundaryError
from specs.records import Rollout
from specs.store import Store
from train import chat, merging, turns
from train.merging import Merged

STAGE = "sequences"
AGENT, SPLIT = "teacher", "train"
ENDED, JUDGED = ("id", "status"), ("rollout", "status", "solved")  # what counts here of rollouts and of verdicts


def sequences(tokenizer: Any, rollout: Rollout) -> list[tokens.Sequence]:
    """The rollout's calls as the fewest sequences. Raises BoundaryError("template") where they can't be rendered."""
    told = turns.of(tokenizer, rollout.calls)
    return [_sequence(rollout, told, number, merged) for number, merged in enumerate(merging.merge(told.turns))]


def _sequence(rollout: Rollout, told: turns.Told, number: int, merged: Merged) -> tokens.Sequence:
    identity = digests.digest([rollout.id, number, merged.input_ids, merged.mask])
    content = (merged.input_ids, merged.mask, merged.logprobs, merged.spans)
    return tokens.Sequence(identity, rollout.id, rollout.task, told.told, *content, merging.differing(merged, told.alone))


def tokenizer_digest(folder: Path) -> str:
    """Digest of what decides how calls become tokens: the tokenizer's files and this package's rendering and merging."""
    files = sorted(f for pattern in ("tokenizer*", "chat_template*", "special_tokens*") for f in folder.glob(pattern))
    code = [Path(str(module.__file__)) for module in (chat, merging, turns)] + [Path(__file__)]
    return digests.digest([[f.name, digests.of_bytes(f.read_bytes())] for f in [*files, *code]])


def sort_out(rollouts: Iterable[Mapping[str, Any]], verdicts: Iterable[Mapping[str, Any]]) -> tuple[list[str], dict[str, int]]:
    """(ids of solved rollouts, counts of the others), by the columns of ENDED and JUDGED.

    A rollout that failed as machinery, or was not graded, is an error and nobody's fault.
    """
    verdict_of = {v["rollout"]: v for v in verdicts}
    solved, counts = [], {"unsolved": 0, "errors": 0}
    for rollout in rollouts:
        verdict = verdict_of.get(rollout["id"])
        if rollout["status"] == "error" or verdict is None or verdict["status"] == "error":
            counts["errors"] += 1
        elif verdict["solved"]:
            solved.append(rollout["id"])
        else:
            counts["unsolved"] += 1
    return solved, counts


def made(
    rollouts: Iterable[Rollout], tokenizer: Any, tokenizer_key: str, store: Store
) -> Iterator[tuple[str, list[tokens.Sequence] | None]]:
    """For each rollout the key under which its sequences are in the store, and these, or None where the template can't render it."""
    for rollout in rollouts:
        key = digests.digest([rollout.id, rollout.calls, tokenizer_key])
        kept = store.get(STAGE, key)
        if kept is None:
            kept = _rows(tokenizer, rollout)
            store.put(STAGE, key, kept)
        yield key, None if kept["unreadable"] else [rows.from_row(tokens.Sequence, row) for row in kept["sequences"]]


def _rows(tokenizer: Any, rollout: Rollout) -> dict[str, Any]:
    """What the store keeps of a rollout; `unreadable` is the reason why there are no sequences, or empty."""
    try:
        return {"unreadable": "", "sequences": [rows.to_row(s) for s in sequences(tokenizer, rollout)]}
    except BoundaryError as error:
        return {"unreadable": str(error), "sequences": []}


@dataclass
class Tally:
    """The numbers of metrics/sequences.json. `merged` is about all sequences, the others about those of at most `most` tokens."""

    most: int
    counts: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    longest: int = 0

    def add(self, found: Sequence[tokens.Sequence]) -> None:
        """Count a rollout's sequences."""
        self.counts.update(rollouts=bool(found), calls=sum(len(s.spans) for s in found), sequences=len(found))
        for one in found:
            length = len(one.input_ids)
            self.counts.update(tokens=length, apart=sum(span.end for span in one.spans), differing=one.differing)
            if length <= self.most:
                self.told[one.told] += 1
                self.longest = max(self.longest, length)
                self.counts.update(kept=1, kept_tokens=length, loss_tokens=sum(one.mask))

    def report(self, others: Mapping[str, int]) -> dict[str, Any]:
        """The numbers, those of `others` (rollouts without sequences) among them; `times` is `apart`, one sequence a call, by `tokens`."""
        counts, kept = self.counts, self.counts["kept"]
        sizes = {"mean": round(counts["kept_tokens"] / kept, 1) if kept else 0.0, "max": self.longest}
        merged = {name: counts[name] for name in ("rollouts", "calls", "sequences", "tokens", "apart")}
        times = round(counts["apart"] / counts["tokens"], 2) if counts["tokens"] else 0.0
        return {
            "kept": kept,
            "too_long": counts["sequences"] - kept,
            **others,
            "told": {by: self.told[by] for by in (turns.ENDPOINT, turns.TEMPLATE)},
            "tokens": sizes,
            "loss_tokens": counts["loss_tokens"],
            "merged": {**merged, "times": times, "differing": counts["differing"]},
        }


def main(argv: Sequence[str]) -> int:
    """Write data/sequences and metrics/sequences.json. In memory are the ids of all rollouts and sequences, and a few of these."""
    tally = Tally(int(params.section(STAGE)["max_tokens"]))
    verdicts = shards.columns(layout.verdicts(AGENT, SPLIT), JUDGED, SPLIT)
    solved, counts = sort_out(shards.columns(layout.rollouts(AGENT, SPLIT), ENDED, SPLIT), verdicts)
    with closing(Store()) as store:
        places, unreadable = _made(solved, tally, store)
        with shards.Writer(layout.SEQUENCES, tokens.Sequence) as writer:
            for _, key, number in sorted(places):
                writer.add(SPLIT, store.kept(STAGE, key)["sequences"][number])
    layout.METRICS.mkdir(exist_ok=True)
    numbers = tally.report({**counts, "unreadable": unreadable})
    (layout.METRICS / "sequences.json").write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    return 0


def _made(solved: Sequence[str], tally: Tally, store: Store) -> tuple[list[tuple[str, str, int]], int]:
    """Have these rollouts' sequences in the store; (id, key, number under the key) of those to be written, and rollouts without any."""
    base = layout.model("base")
    tokenizer, tokenizer_key = AutoTokenizer.from_pretrained(base), tokenizer_digest(base)
    places: list[tuple[str, str, int]] = []
    unreadable = 0
    with progress.track("sequences", len(solved)) as advance:
        for key, found in made(shards.read(layout.rollouts(AGENT, SPLIT), Rollout, SPLIT, solved), tokenizer, tokenizer_key, store):
            unreadable += found is None
            tally.add(found or [])
            places += [(s.id, key, number) for number, s in enumerate(found or []) if len(s.input_ids) <= tally.most]
            advance()
    return places, unreadable


if __name__ == "__main__":
    errors.run(main)
