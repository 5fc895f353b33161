"""What a task is filed under is measured on what was compiled."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from generators import database, task, witness
from generators.plan import plans
from specs import catalogue

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def specs() -> catalogue.Catalogue:
    return catalogue.load(ROOT)


def test_difficulty_counts_what_can_be_overlooked(specs: catalogue.Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    measure = task.difficulty

    def watched(asked, kept):  # type: ignore[no-untyped-def]
        level = measure(asked, kept)
        seen.append((sum(len(a.step.operation.spec["demands"]) - len(a.moot) for a in asked) + len(kept), level))
        return level

    monkeypatch.setattr(task, "difficulty", watched)
    for plan in random.Random(5).sample(plans(specs, 1.0, 0.3), 16):
        task.build(specs, plan, 7, {})
    assert len({ways for ways, _ in seen}) >= 4
    assert all(level == sum(ways > most for most in (0, 6, 9, 11, 13)) for ways, level in seen)


def test_a_chained_task_has_a_mutant_that_leaves_a_step_out(specs: catalogue.Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    settle, kept = witness.settle, {}

    def watched(db, steps, bases, *rest):  # type: ignore[no-untyped-def]
        kept["steps"], kept["settled"] = steps, settle(db, steps, bases, *rest)
        return kept["settled"]

    monkeypatch.setattr(witness, "settle", watched)
    found = {True: 0, False: 0}
    for plan in random.Random(6).sample(plans(specs, 1.0, 0.3), 16):
        built = task.build(specs, plan, 7, {})
        if not isinstance(built, task.Built):
            continue
        found[built.task.chained] += 1
        skipping = [m for m in kept["settled"].mutants if m.skips]
        assert not built.task.chained or (skipping and len(plan.operations) >= 3)
        with database.connect() as db:
            for mutant in skipping:
                source = next(i.step for i in kept["steps"][mutant.step].inputs.values() if i.step >= 0)
                before = next(
                    iter(witness.chain.bindings(kept["steps"][source], kept["settled"].bases, kept["settled"].answers).values())
                ).relation
                twist = witness.chain.Twist(mutant.step, inputs={next(iter(kept["steps"][mutant.step].inputs)): before})
                done = witness.chain.run(db, kept["steps"], kept["settled"].bases, twist, kept["settled"].answers[: mutant.step])
                assert done[mutant.step].content == mutant.answers[mutant.step].content != kept["settled"].answers[mutant.step].content
    assert found[True] >= 4
