"""From solved rollouts to token sequences."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import train_making as making

from specs import layout, shards, tokens
from specs.records import Call, Failure, Rollout, Usage, Verdict
from specs.store import Store
from train import sequences


def rollout(identity: str, status: str = "completed", filler: str = "", calls: tuple[Call, ...] | None = None) -> Rollout:
    messages = making.conversation()
    messages[1]["content"] += filler
    calls = making.calls(messages) if calls is None else calls
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
        calls,
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
    kept = list(shards.read(layout.SEQUENCES, tokens.Sequence, "train"))
    assert {s.rollout for s in kept} == {"a", "d"}
    assert (numbers["kept"], numbers["unsolved"], numbers["errors"], numbers["too_long"]) == (2, 1, 3, 0)
    assert numbers["tokens"]["max"] == len(kept[0].input_ids)  # type: ignore[index]
    assert numbers["loss_tokens"] == sum(sum(s.mask) for s in kept)


def test_longer_ones_are_left_out_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = len(making.merged(making.conversation()).input_ids)
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
    original = sequences.sequences
    monkeypatch.setattr(sequences, "sequences", lambda tokenizer, r: made.append(r.id) or original(tokenizer, r))
    assert exported([a], [verdict(a)]) == once and made == []
    other = replace(a, calls=(*a.calls[:-1], making.answered(making.conversation()[:7], {"role": "assistant", "content": "It is 11."})))
    assert exported([other], [verdict(other)]) != once and made == ["a"]


def test_tokens_to_train_are_held_against_one_sequence_a_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here(tmp_path, monkeypatch)
    a = rollout("a")
    numbers, _ = exported([a], [verdict(a)])
    (kept,) = shards.read(layout.SEQUENCES, tokens.Sequence, "train")
    alone = [len(making.merged(making.conversation()[: n + 1]).input_ids) for n in (2, 4, 7)]
    assert [span.end for span in kept.spans] == alone
    counts = {"rollouts": 1, "calls": 3, "sequences": 1, "tokens": alone[-1], "apart": sum(alone), "differing": 0}
    assert numbers["merged"] == {**counts, "times": round(sum(alone) / alone[-1], 2)}
    assert numbers["told"] == {"endpoint": 0, "template": 1} and kept.told == "template"


def test_a_rewritten_history_gives_several_sequences_of_one_rollout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here(tmp_path, monkeypatch)
    messages = making.conversation()
    again = making.answered([messages[0], {"role": "user", "content": "Again."}], messages[7])
    a = rollout("a", calls=(*making.calls(messages), again, again))  # the last two are alike to the token
    numbers, _ = exported([a], [verdict(a)])
    kept = list(shards.read(layout.SEQUENCES, tokens.Sequence, "train"))
    assert {s.rollout for s in kept} == {"a"} and sorted([span.call for span in s.spans] for s in kept) == [[0, 1, 2], [3], [4]]
    assert numbers["kept"] == 3 and numbers["merged"]["rollouts"] == 1  # type: ignore[index]


def test_a_rollout_that_the_template_cannot_render_is_left_out_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here(tmp_path, monkeypatch)
    a, b = rollout("a"), rollout("b", calls=(making.answered([{"role": "assistant", "tool_calls": [3]}], {"content": "Done."}),))
    for _ in range(2):  # the second time from the store
        numbers, _ = exported([a, b], [verdict(a), verdict(b)])
        assert (numbers["kept"], numbers["unreadable"]) == (1, 1)
