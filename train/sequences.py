"""The stage that turns solved teacher rollouts into token sequences with a mask on what the assistant said.

The calls of a rollout are merged: mostly into one sequence, into several where the harness rewrote the conversation.

What comes out depends on which rollouts were solved and on nothing else of a verdict, so a verifier that is corrected
without changing that leaves every checkpoint as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from specs import digests, errors, layout, params, progress, rows, shards, tokens
from specs.errors import BoundaryError
from specs.records import Rollout, Verdict
from specs.store import Store
from train import chat, merging, turns
from train.merging import Merged

STAGE = "sequences"
AGENT, SPLIT = "teacher", "train"


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


def sort_out(rollouts: Iterable[Rollout], verdicts: Iterable[Verdict]) -> tuple[list[Rollout], dict[str, int]]:
    """(solved rollouts, counts of the others). One that failed as machinery, or was not graded, is an error and nobody's fault."""
    verdict_of = {v.rollout: v for v in verdicts}
    solved, counts = [], {"unsolved": 0, "errors": 0}
    for rollout in rollouts:
        verdict = verdict_of.get(rollout.id)
        if rollout.status == "error" or verdict is None or verdict.status == "error":
            counts["errors"] += 1
        elif verdict.solved:
            solved.append(rollout)
        else:
            counts["unsolved"] += 1
    return solved, counts


def made(rollouts: Sequence[Rollout], tokenizer: Any, tokenizer_key: str, store: Store) -> Iterator[list[tokens.Sequence] | None]:
    """Each rollout's sequences, or None where the template can't render it; those made before are taken from the store."""
    with progress.track("sequences", len(rollouts)) as advance:
        for rollout in rollouts:
            key = digests.digest([rollout.id, rollout.calls, tokenizer_key])
            kept = store.get(STAGE, key)
            if kept is None:
                kept = _rows(tokenizer, rollout)
                store.put(STAGE, key, kept)
            yield None if kept["unreadable"] else [rows.from_row(tokens.Sequence, row) for row in kept["sequences"]]
            advance()


def _rows(tokenizer: Any, rollout: Rollout) -> dict[str, Any]:
    """What the store keeps of a rollout; `unreadable` is the reason why there are no sequences, or empty."""
    try:
        return {"unreadable": "", "sequences": [rows.to_row(s) for s in sequences(tokenizer, rollout)]}
    except BoundaryError as error:
        return {"unreadable": str(error), "sequences": []}


def report(everything: Sequence[tokens.Sequence], most: int, counts: Mapping[str, int]) -> dict[str, Any]:
    """The numbers of metrics/sequences.json. `merged` is about all sequences, the others about those of at most `most` tokens."""
    kept = [s for s in everything if len(s.input_ids) <= most]
    lengths = [len(s.input_ids) for s in kept]
    told = {by: sum(s.told == by for s in kept) for by in (turns.ENDPOINT, turns.TEMPLATE)}
    sizes = {"mean": round(sum(lengths) / len(lengths), 1) if lengths else 0.0, "max": max(lengths, default=0)}
    numbers = {"kept": len(kept), "too_long": len(everything) - len(kept), **counts, "told": told, "tokens": sizes}
    return {**numbers, "loss_tokens": sum(sum(s.mask) for s in kept), "merged": _against_calls(everything)}


def _against_calls(everything: Sequence[tokens.Sequence]) -> dict[str, Any]:
    """Tokens to train, and how many `times` as many they would be `apart`, with one sequence a call."""
    merged = sum(len(s.input_ids) for s in everything)
    apart = sum(span.end for s in everything for span in s.spans)
    return {
        "rollouts": len({s.rollout for s in everything}),
        "calls": sum(len(s.spans) for s in everything),
        "sequences": len(everything),
        "tokens": merged,
        "apart": apart,
        "times": round(apart / merged, 2) if merged else 0.0,
        "differing": sum(s.differing for s in everything),
    }


def main(argv: Sequence[str]) -> int:
    """Write data/sequences and metrics/sequences.json."""
    most = int(params.section(STAGE)["max_tokens"])
    base = layout.model("base")
    verdicts = shards.read(layout.verdicts(AGENT, SPLIT), Verdict, SPLIT)
    solved, counts = sort_out(shards.read(layout.rollouts(AGENT, SPLIT), Rollout, SPLIT), verdicts)
    found = list(made(solved, AutoTokenizer.from_pretrained(base), tokenizer_digest(base), Store()))
    everything = [s for some in found if some is not None for s in some]
    shards.write(layout.SEQUENCES, tokens.Sequence, ((SPLIT, s) for s in everything if len(s.input_ids) <= most))
    layout.METRICS.mkdir(exist_ok=True)
    numbers = report(everything, most, {**counts, "unreadable": found.count(None)})
    (layout.METRICS / "sequences.json").write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    errors.run(main)
