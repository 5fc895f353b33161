"""Supervised fine-tuning with TRL's real trainer on a tiny model."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import train_making as making

from sandbox.served import digest_of_model
from specs import errors, layout, shards, tokens
from train import sft, training

SETTINGS = sft.Settings(steps=3, batch=2, max_tokens=512, learning_rate=1e-3, seed=1, device="cpu")


def sequence(name: str, question: str = "Add up ledger.csv.") -> tokens.Sequence:
    messages = making.conversation()
    messages[1]["content"] = question
    whole = making.merged(messages, [])
    return tokens.Sequence(name, "r" + name, "t" + name, "template", whole.input_ids, whole.mask, whole.logprobs, whole.spans, 0)


def loss_on_mask(model: torch.nn.Module, given: list[tokens.Sequence]) -> float:
    """The mean negative log-likelihood of the masked tokens, worked out plainly."""
    losses = []
    with torch.no_grad():
        for s in given:
            ids = torch.tensor(s.input_ids)
            logprobs = torch.log_softmax(model(ids[None]).logits[0, :-1], -1)
            picked = logprobs.gather(1, ids[1:, None])[:, 0]
            losses.append(-picked[torch.tensor(s.mask[1:]) == 1])
    return float(torch.cat(losses).mean())


@pytest.mark.slow
def test_the_loss_is_taken_on_the_mask_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "quick_dtype", lambda device: torch.float32)
    given = [sequence("a"), sequence("b", "Something else, and rather longer than the other one.")]
    expected = loss_on_mask(making.tiny(), given)
    losses = sft.train(making.tiny(), making.tokenizer(), given, SETTINGS)
    assert losses[0] == pytest.approx(expected, abs=2e-3)


def test_labels_outside_the_mask_never_reach_the_trainer(tmp_path: Path) -> None:
    given = [sequence("a"), sequence("b", "Something else.")]
    trainer = sft.trainer_of(making.tiny(), making.tokenizer(), given, SETTINGS, tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))
    for row, s in zip(batch["labels"], given, strict=True):
        own = [i for i, m in zip(s.input_ids, s.mask, strict=True) if m]
        assert row[row != sft.NO_LOSS].tolist() == own
        assert batch["input_ids"].shape[1] >= len(s.input_ids)


@pytest.mark.slow
def test_training_lowers_the_loss_and_the_same_seed_gives_the_same_weights() -> None:
    given = [sequence("a")] * 6
    one, other = making.tiny(), making.tiny()
    losses = sft.train(one, making.tokenizer(), given, SETTINGS)
    sft.train(other, making.tokenizer(), given, SETTINGS)
    assert len(losses) == 3 and losses[-1] < losses[0]
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_drawing_goes_round_and_is_not_upset_by_one_more() -> None:
    few = training.drawn(["a", "b", "c"], 5, 1, str)
    assert sorted(few[:3]) == ["a", "b", "c"] and few[3:] == few[:2]
    more = training.drawn(["a", "b", "bb", "c"], 4, 1, str)
    assert [x for x in more if x != "bb"] == few[:3]


def test_what_is_trained_on_does_not_hang_on_a_text_that_differs_from_run_to_run() -> None:
    """A sequence's id is a digest of its tokens, and these may hold what a command printed of its time."""
    one = [replace(sequence(name), rollout="r" + name) for name in "abcdefgh"]
    other = [replace(sequence(name + " again", f"Add up {name}."), rollout="r" + name) for name in "abcdefgh"]
    assert [s.rollout for s in sft.chosen(sft.listed(one), SETTINGS)] == [s.rollout for s in sft.chosen(sft.listed(other), SETTINGS)]


def test_the_sequences_of_a_rollout_stay_together_in_order_of_its_calls() -> None:
    many = [replace(sequence(f"{n}{name}"), rollout=name, spans=(tokens.Span(n, 0, 1),)) for n in (2, 0, 1) for name in "ab"]
    drawn = sft.chosen(sft.listed(many), SETTINGS)
    assert [s.call for s in drawn] == [0, 1, 2] * 2 and len({s.rollout for s in drawn[:3]}) == 1


def test_the_stage_writes_the_checkpoint_and_what_it_was_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(making.checkpoint(), layout.model("base"))
    given = [*map(sequence, "abc"), sequence("d", "A longer one. " * 40)]
    most = len(given[0].input_ids)
    shards.write(layout.SEQUENCES, tokens.Sequence, (("train", s) for s in given))
    Path("params.yaml").write_text(f"sft: {{steps: 2, batch: 1, max_tokens: {most}, learning_rate: 1.0e-3, seed: 1, device: cpu}}\n")
    assert sft.main([]) == 0
    lineage = json.loads((layout.model("sft") / "trained_on.json").read_text())
    assert lineage["parent"] == "base" and lineage["parent_digest"] == digest_of_model(layout.model("base"))
    assert len(lineage["rollouts"]) == 2 and {r[1] for r in lineage["rollouts"]} == {t[1] for t in lineage["tasks"]}
    numbers = json.loads((layout.METRICS / "sft.json").read_text())
    assert numbers["steps"] == 2 and numbers["tokens"] == 2 * most and numbers["too_long"] == 1
    assert len((layout.PLOTS / "sft.csv").read_text().splitlines()) == 3
    assert digest_of_model(layout.model("sft")) != lineage["parent_digest"]


def test_a_bound_below_every_sequence_is_told_with_the_shortest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shards.write(layout.SEQUENCES, tokens.Sequence, [("train", sequence("a"))])
    Path("params.yaml").write_text("sft: {steps: 1, batch: 1, max_tokens: 5, learning_rate: 1.0e-3, seed: 1, device: cpu}\n")
    with pytest.raises(errors.UserError, match=f"sft.max_tokens: .*{len(sequence('a').input_ids)} tokens"):
        sft.main([])
