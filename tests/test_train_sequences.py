"""From solved rollouts to token sequences."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import train_making as making

from specs import layout, records, shards
from specs.records import Failure, Rollout, Usage, Verdict
from specs.store import Store
from train import sequences


def rollout(identity: str, status: str = "completed", filler: str = "") -> Rollout:
    messages = making.conversation()
    messages[1]["content"] += filler
    error = Failure("box", "gone") if status == "error" else None
    usage = Usage(0, 0, 3, 3)
    return Rollout(
        identity,
        "t" + identity,
        "d",
        "teacher",
        0,
        {},
        {},
        {},
        status,
        "",
        error,
        (),
        messages,
        making.TOOLS,
        usage,
        1.0,
        (),  # type: ignore[arg-type]
    )


def verdict(of: Rollout, solved: bool = True, status: str = "graded", score: float = 1.0, verifier: str = "v") -> Verdict:
    return Verdict("v" + of.id, of.id, of.task, "teacher", verifier, status, None, score, score, None, solved, ())


def here(root: Path, monkeypatch: pytest.MonkeyPatch, most: int = 10_000) -> None:
    """A folder with a tokenizer and params.yaml, as the working directory."""
    monkeypatch.chdir(root)
    monkeypatch.setattr(sequences, "Store", lambda: Store(root / "store.sqlite"))
    shutil.copytree(making.checkpoint(), layout.model("base"), ignore=shutil.ignore_patterns("*.safetensors"))
    Path("params.yaml").write_text(f"sequences: {{max_tokens: {most}}}\n")


def exported(rollouts: list[Rollout], verdicts: list[Verdict]) -> tuple[dict[str, object], dict[str, bytes]]:
    """The stage's numbers and its shards' bytes."""
    shards.write(layout.rollouts("teacher", "train"), Rollout, (("train", r) for r in rollouts))
    shards.write(layout.verdicts("teacher", "train"), Verdict, (("train", v) for v in verdicts))
    assert sequences.main([]) == 0
    files = {p.relative_to(layout.SEQUENCES).as_posix(): p.read_bytes() for p in layout.SEQUENCES.rglob("*.parquet")}
    return json.loads((layout.METRICS / "sequences.json").read_text()), files


def test_only_solved_rollouts_are_kept_and_the_others_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here(tmp_path, monkeypatch)
    a, b, c, d, e = (rollout(i) for i in "abcde")
    broken = rollout("f", status="error")
    verdicts = [verdict(a), verdict(b, solved=False, score=0.9), verdict(c, solved=False, status="error"), verdict(d), verdict(broken)]
    numbers, _ = exported([a, b, c, d, e, broken], verdicts)
    kept = list(shards.read(layout.SEQUENCES, records.Sequence, "train"))
    assert {s.rollout for s in kept} == {"a", "d"}
    assert (numbers["kept"], numbers["unsolved"], numbers["errors"], numbers["too_long"]) == (2, 1, 3, 0)
    assert numbers["tokens"]["max"] == len(kept[0].input_ids)  # type: ignore[index]
    assert numbers["loss_tokens"] == sum(sum(s.mask) for s in kept)


def test_longer_ones_are_left_out_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = len(sequences.sequence(making.tokenizer(), rollout("a")).input_ids)
    here(tmp_path, monkeypatch, most=usual)
    long = rollout("b", filler=" more")
    numbers, _ = exported([rollout("a"), long], [verdict(rollout("a")), verdict(long)])
    assert (numbers["kept"], numbers["too_long"]) == (1, 1)


def test_scores_and_verifiers_do_not_touch_the_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here(tmp_path, monkeypatch)
    a, b = rollout("a"), rollout("b")
    once = exported([a, b], [verdict(a), verdict(b, solved=False, score=0.2)])
    assert exported([a, b], [verdict(a, verifier="other"), verdict(b, solved=False, score=0.8, verifier="other")]) == once
    assert exported([a, b], [verdict(a), verdict(b)]) != once


def test_the_store_saves_the_work_and_not_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here(tmp_path, monkeypatch)
    a = rollout("a")
    once = exported([a], [verdict(a)])
    made = []
    original = sequences.sequence
    monkeypatch.setattr(sequences, "sequence", lambda tokenizer, r: made.append(r.id) or original(tokenizer, r))
    assert exported([a], [verdict(a)]) == once and made == []
    other = replace(a, messages=[*a.messages[:-1], {"role": "assistant", "content": "It is 11."}])  # type: ignore[index]
    assert exported([other], [verdict(other)]) != once and made == ["a"]
