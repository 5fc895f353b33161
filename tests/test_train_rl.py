"""Reinforcement learning with TRL's real GRPOTrainer on a tiny model, and its episodes in real boxes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import making as records_making
import pytest
import torch
import train_making as making

from sandbox.box import Caps, Sandbox
from specs import digests, layout, records, shards
from specs.errors import BoundaryError
from specs.records import Rollout, Task, Verifier
from train import chat, play, rl, sequences
from train.engine import Engine
from train.play import Played

SETTINGS = rl.Settings(
    model="models/sft",
    steps=1,
    generations=2,
    tasks_per_step=1,
    learning_rate=1e-3,
    temperature=1.0,
    turns=2,
    max_tokens=5,
    seed=1,
    device="cpu",
)
Reward = Callable[[str, int, int], float | None]


def paying(reward: Reward) -> rl.Play:
    """Plays one short turn with the engine, for a made-up reward."""

    def one(engine: Engine, task: str, step: int, number: int) -> Played:
        prompt = chat.encode(making.tokenizer(), f"Task {task}.")
        said = engine.generate(prompt, {"max_tokens": 4, "seed": 10 * step + number})
        return Played(prompt, list(said.ids), [1] * len(said.ids), list(said.logprobs), reward(task, step, number))

    return one


def trained(reward: Reward, settings: rl.Settings = SETTINGS, tasks: tuple[str, ...] = ("a",)) -> tuple[bool, rl.Log]:
    """(whether the weights moved, the log)."""
    model = making.tiny()
    before = [p.detach().clone() for p in model.parameters()]
    log = rl.train(model, making.tokenizer(), tasks, paying(reward), settings)
    return any(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)), log


def test_unequal_rewards_change_the_weights() -> None:
    moved, log = trained(lambda task, step, number: float(number))
    assert moved
    assert rl.numbers(log)["unequal_groups_share"] == 1.0 and rl.numbers(log)["reward_mean"] == 0.5


@pytest.mark.parametrize("reward", [0.0, 1.0])
def test_equal_rewards_change_nothing(reward: float) -> None:
    moved, log = trained(lambda task, step, number: reward)
    assert not moved
    assert rl.numbers(log)["unequal_groups_share"] == 0.0


def test_a_group_with_a_failed_episode_teaches_nothing_and_is_counted() -> None:
    moved, log = trained(lambda task, step, number: (None, 1.0)[number])
    numbers = rl.numbers(log)
    assert not moved
    assert (numbers["errors"], numbers["dropped"], numbers["rollouts"]) == (1, 1, 2)
    assert numbers["reward_mean"] == 1.0, "a failure is no reward of 0"


def test_the_rewarded_answer_becomes_likelier() -> None:
    model = making.tiny()
    settings = replace(SETTINGS, steps=2)
    log = rl.train(model, making.tokenizer(), ("a", "a"), paying(lambda task, step, number: float(number)), settings)
    assert len(log.entries) == 2 and [g.step for g in log.groups] == [0, 1]
    bad, good = log.groups[0].played

    def gain(played: Played) -> float:
        ids = torch.tensor([played.prompt_ids + played.completion_ids])
        with torch.no_grad():
            logprobs = torch.log_softmax(model(ids).logits[0, len(played.prompt_ids) - 1 : -1], -1)
        now = logprobs.gather(1, torch.tensor(played.completion_ids)[:, None]).sum()
        return float(now) - sum(played.logprobs)

    assert gain(good) > gain(bad)


def test_each_step_plays_with_the_weights_of_that_step() -> None:
    settings = replace(SETTINGS, steps=2, learning_rate=1e-2)
    seen: list[float] = []
    lock = threading.Lock()

    def one(engine: Engine, task: str, step: int, number: int) -> Played:
        said = engine.generate([5, 6, 7], {"max_tokens": 2, "temperature": 0})
        with lock:
            seen.append(said.logprobs[0])
        return Played([5, 6, 7], [said.ids[0], 8 + number], [1, 1], [0.0, 0.0], float(number))

    rl.train(making.tiny(), making.tokenizer(), ("a", "a"), one, settings)
    same = [pytest.approx(value, abs=1e-4) for value in seen]  # up to rounding, which hangs on what is decoded beside it
    assert seen[0] == same[1] and seen[0] != same[2] and seen[2] == same[3]


def test_tokens_that_are_not_the_policys_teach_nothing() -> None:
    def one(engine: Engine, task: str, step: int, number: int) -> Played:
        return Played([5, 6], [7, 8, 9], [0, 0, 0], [0.0] * 3, float(number))

    model = making.tiny()
    before = [p.detach().clone() for p in model.parameters()]
    rl.train(model, making.tokenizer(), ("a",), one, SETTINGS)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def a_task(identity: str = "0a1b2c3d4e5f") -> tuple[Task, Verifier]:
    task = records_making.task({"a.txt": "one\n", "b.txt": "two\n"}, "Delete a.txt.", outputs=(), identity=identity)
    gone = {"expect": [], "gone": ["a.txt"], "under": "", "only": False}
    kept = {"expect": [{"path": "b.txt", "digest": digests.of_bytes(b"two\n")}], "gone": [], "under": "", "only": False}
    return task, records_making.verifier([{"kind": "files", "params": gone}, {"kind": "files", "params": kept}], identity)


def player(parent: Path, *tasks: tuple[Task, Verifier]) -> play.Player:
    sampling = {"temperature": 1.0, "max_tokens": 5, "seed": 1}
    return play.Player(
        making.tokenizer(), {t.id: (t, v) for t, v in tasks}, parent, sampling, turns=3, window=4096, caps=Caps(), sandbox=Sandbox()
    )


class Actor:
    """Stands in for an engine: says the given texts in turn."""

    window = 8192

    def __init__(self, *texts: str):
        self.texts = list(texts)
        self.prompts: list[list[int]] = []

    def generate(self, prompt: list[int], sampling: dict[str, Any]) -> Any:
        from train.engine import Generated

        self.prompts.append(list(prompt))
        ids = tuple(chat.encode(making.tokenizer(), self.texts.pop(0)))
        return Generated(ids, (-0.1,) * len(ids), ids[-1] == making.tokenizer().eos_token_id)


DELETE = '<tool_call>\n{"name":   "exec", "arguments": {"command": "rm a.txt; ls"}}\n</tool_call><|im_end|>'  # spaced as no template would


def test_an_episode_in_a_real_box_is_paid_by_the_verifier() -> None:
    task, verifier = a_task()
    play_one = player(making.checkpoint(), (task, verifier))
    good = play_one(Actor(DELETE, "Done.<|im_end|>"), task.id, 0, 0)  # type: ignore[arg-type]
    idle = play_one(Actor("Done.<|im_end|>"), task.id, 0, 1)  # type: ignore[arg-type]
    assert good.rollout is not None and good.rollout.status == "completed"
    assert good.reward == 1.0 and idle.reward is not None and idle.reward < 1.0


def test_an_episodes_tokens_are_what_the_policy_saw_and_said() -> None:
    task, verifier = a_task()
    actor = Actor(DELETE, "Done.<|im_end|>")
    played = player(making.checkpoint(), (task, verifier))(actor, task.id, 0, 0)  # type: ignore[arg-type]
    tokenizer = making.tokenizer()
    strip = played.prompt_ids + played.completion_ids
    for prompt, said in zip(actor.prompts, (DELETE, "Done.<|im_end|>"), strict=True):
        ids = chat.encode(tokenizer, said)
        assert strip[: len(prompt) + len(ids)] == prompt + ids
    own = [i for i, m in zip(played.completion_ids, played.mask, strict=True) if m]
    assert tokenizer.decode(own) == DELETE + "Done.<|im_end|>"
    foreign = tokenizer.decode([i for i, m in zip(played.completion_ids, played.mask, strict=True) if not m])
    assert foreign == "\n<|im_start|>user\n<tool_response>\nb.txt\n</tool_response><|im_end|>\n<|im_start|>assistant\n"
    assert [v == 0.0 for v in played.logprobs] == [not m for m in played.mask]
    recorded = [tuple(c.completion_ids) for c in played.rollout.calls]  # type: ignore[union-attr]
    assert recorded == [tuple(chat.encode(tokenizer, t)) for t in (DELETE, "Done.<|im_end|>")]


def test_reinforced_and_supervised_training_make_the_same_of_an_episode() -> None:
    task, verifier = a_task()
    played = player(making.checkpoint(), (task, verifier))(Actor(DELETE, DELETE, "Done, and cut off"), task.id, 0, 0)  # type: ignore[arg-type]
    (sequence,) = sequences.sequences(making.tokenizer(), played.rollout)  # type: ignore[arg-type]
    start = len(played.prompt_ids)
    assert list(sequence.input_ids) == played.prompt_ids + played.completion_ids
    assert (list(sequence.mask[start:]), list(sequence.logprobs[start:])) == (played.mask, played.logprobs)
    assert sequence.told == "endpoint" and sequence.spans[0].start == start and sequence.differing == 0


def test_machinery_that_fails_once_is_tried_again_and_always_is_no_reward(monkeypatch: pytest.MonkeyPatch) -> None:
    task, verifier = a_task()
    real, left = play.roll_out, [1]

    def flaky(attempt: Any, complete: Any) -> Rollout:
        if left[0]:
            left[0] -= 1

            def broken(*request: Any) -> Any:
                raise BoundaryError("endpoint", "gone")

            return real(attempt, broken)
        return real(attempt, complete)

    monkeypatch.setattr(play, "roll_out", flaky)
    play_one = player(making.checkpoint(), (task, verifier))
    once = play_one(Actor("Done.<|im_end|>"), task.id, 0, 0)  # type: ignore[arg-type]
    assert once.reward is not None and once.tries == 2
    left[0] = 99
    always = play_one(Actor("Done.<|im_end|>"), task.id, 0, 0)  # type: ignore[arg-type]
    assert always.reward is None and always.tries == play.TRIES and always.mask == [0]


@pytest.mark.slow
def test_the_stage_trains_on_selected_tasks_and_says_on_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pairs = [a_task(f"{n}a1b2c3d4e5f") for n in range(4)]
    shards.write(layout.TASKS, Task, (("train", t) for t, _ in pairs))
    shards.write(layout.VERIFIERS, Verifier, (("train", v) for _, v in pairs))
    layout.SELECTION.write_text(json.dumps({"train": [t.id for t, _ in pairs[:3]], "bench": [], "models": []}))
    section = "{model: %s, steps: 2, generations: 2, tasks_per_step: 1, learning_rate: 1.0e-6, temperature: 0.9, turns: 2, max_tokens: 6, seed: 1, device: cpu}"
    Path("params.yaml").write_text(f"rl: {section % making.checkpoint()}\nrollout: {{caps: {{memory_mb: 256}}}}\nsandbox: {{}}\n")
    assert rl.main([]) == 0
    lineage = json.loads((layout.model("rl") / "trained_on.json").read_text())
    assert lineage["parent"] == "base" and set(lineage["tasks"]) < {t.id for t, _ in pairs[:3]} and len(lineage["tasks"]) == 2
    kept = list(shards.read(layout.model("rl") / "rollouts", records.Rollout))
    assert sorted(r.id for r in kept) == lineage["rollouts"] and len(kept) == 4
    numbers = json.loads((layout.METRICS / "rl.json").read_text())
    assert (numbers["steps"], numbers["groups"], numbers["rollouts"], numbers["errors"]) == (2, 2, 4, 0)
    assert len((layout.PLOTS / "rl.csv").read_text().splitlines()) == 3
