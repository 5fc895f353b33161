"""The stage that turns solved teacher rollouts into token sequences with a mask on what the assistant said.

What comes out depends on which rollouts were solved and on nothing else of a verdict, so a verifier that is corrected
without changing that leaves every checkpoint as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from specs import digests, errors, layout, params, progress, records, shards
from specs.records import Rollout, Verdict
from specs.store import Store
from train import chat

STAGE = "sequences"
AGENT, SPLIT = "teacher", "train"


def sequence(tokenizer: Any, rollout: Rollout) -> records.Sequence:
    """The rollout's conversation as tokens, with the tools that it was given."""
    messages: Any = rollout.messages
    tools: Any = rollout.tools
    ids, mask = chat.tokens(tokenizer, messages, tools)
    identity = digests.digest([rollout.id, ids, mask])
    return records.Sequence(identity, rollout.id, rollout.task, tuple(ids), tuple(mask))


def tokenizer_digest(folder: Path) -> str:
    """Digest of what decides how a conversation becomes tokens: the tokenizer's files and this package's rendering."""
    files = sorted(f for pattern in ("tokenizer*", "chat_template*", "special_tokens*") for f in folder.glob(pattern))
    code = [Path(chat.__file__), Path(__file__)]
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


def made(rollouts: Sequence[Rollout], tokenizer: Any, tokenizer_key: str, store: Store) -> Iterator[records.Sequence]:
    """The sequences of the rollouts; those made before are taken from the store."""
    with progress.track("sequences", len(rollouts)) as advance:
        for rollout in rollouts:
            key = digests.digest([rollout.id, rollout.messages, rollout.tools, tokenizer_key])
            kept = store.record(STAGE, key, records.Sequence)
            if kept is None:
                kept = sequence(tokenizer, rollout)
                store.put(STAGE, key, kept)
            yield kept
            advance()


def report(kept: Sequence[records.Sequence], too_long: int, counts: Mapping[str, int]) -> dict[str, Any]:
    """The numbers of metrics/sequences.json."""
    lengths = [len(s.input_ids) for s in kept]
    tokens = {"mean": round(sum(lengths) / len(lengths), 1) if lengths else 0.0, "max": max(lengths, default=0)}
    return {"kept": len(kept), "too_long": too_long, **counts, "tokens": tokens, "loss_tokens": sum(sum(s.mask) for s in kept)}


def main(argv: Sequence[str]) -> int:
    """Write data/sequences and metrics/sequences.json."""
    most = int(params.section(STAGE)["max_tokens"])
    base = layout.model("base")
    verdicts = shards.read(layout.verdicts(AGENT, SPLIT), Verdict, SPLIT)
    solved, counts = sort_out(shards.read(layout.rollouts(AGENT, SPLIT), Rollout, SPLIT), verdicts)
    everything = list(made(solved, AutoTokenizer.from_pretrained(base), tokenizer_digest(base), Store()))
    kept = [s for s in everything if len(s.input_ids) <= most]
    shards.write(layout.SEQUENCES, records.Sequence, ((SPLIT, s) for s in kept))
    layout.METRICS.mkdir(exist_ok=True)
    numbers = report(kept, len(everything) - len(kept), counts)
    (layout.METRICS / "sequences.json").write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    errors.run(main)
