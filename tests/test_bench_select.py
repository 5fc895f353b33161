import json

import making
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import select
from bench.select import Entry, choose
from specs import digests, layout, shards
from specs.errors import UserError
from specs.records import Scorecard, Task

CATEGORIES = ["Analysis & Reasoning", "Content & Domain", "Software Development"]


def entry(name: str, category: str = CATEGORIES[0], difficulty: int = 1, split: str = "bench", who: str = "") -> Entry:
    return Entry(digests.digest(name)[:12], split, category, difficulty, f"{split}-{who}" if not who else who, f"{split}-story")


entries = st.lists(
    st.tuples(st.integers(0, 10**6), st.sampled_from(CATEGORIES), st.integers(1, 5)), min_size=1, max_size=80, unique_by=lambda t: t[0]
)


@given(entries, st.integers(0, 30), st.data())
@settings(max_examples=150, deadline=None)
def test_a_task_more_or_less_moves_few(drawn, count, data):
    pool = [entry(str(n), c, d) for n, c, d in drawn]
    moved = data.draw(st.sampled_from(pool))
    without = [e for e in pool if e is not moved]
    before, after = set(choose(without, count)), set(choose(pool, count))
    assert len(before ^ after) <= 4


@given(entries, st.integers(0, 30), st.randoms())
@settings(max_examples=100, deadline=None)
def test_the_order_of_the_tasks_is_of_no_matter(drawn, count, random):
    pool = [entry(str(n), c, d) for n, c, d in drawn]
    chosen = choose(pool, count)
    random.shuffle(pool)
    assert choose(pool, count) == chosen
    assert len(chosen) == min(count, len(pool))


@given(entries, st.integers(0, 30))
@settings(max_examples=100, deadline=None)
def test_no_category_is_short_while_another_has_two_more(drawn, count):
    pool = [entry(str(n), c, d) for n, c, d in drawn]
    chosen = set(choose(pool, count))
    taken = {c: sum(e.id in chosen for e in pool if e.category == c) for c in CATEGORIES}
    left = {c: sum(e.id not in chosen for e in pool if e.category == c) for c in CATEGORIES}
    assert all(taken[a] >= taken[b] - 1 for a in CATEGORIES if left[a] for b in CATEGORIES)


def test_the_models_subset_covers_the_categories_of_the_bench():
    pool = [entry(f"{c}{n}", c, 1 + n % 5) for c in CATEGORIES for n in range(10)]
    chosen = select.select(pool, train=0, bench=20, models=3)
    assert set(chosen.models) <= set(chosen.bench)
    assert {e.category for e in pool if e.id in chosen.models} == set(CATEGORIES)


@pytest.mark.parametrize("kind", ["persona", "scenario"])
def test_a_persona_or_scenario_in_both_splits_is_named(kind):
    values = {"persona": "", "scenario": ""} | {kind: "wanda"}
    pool = [Entry("a1", "train", "x", 1, **values), Entry("b2", "bench", "x", 1, **values)]
    with pytest.raises(UserError, match=f"{kind} 'wanda'.*task b2 in bench, task a1 in train"):
        select.select(pool, 1, 1, 1)


def test_only_tasks_with_a_good_scorecard_of_their_own_are_chosen(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tasks = [making.task({}, identity=f"{n:012x}", split="bench") for n in range(4)]

    def card(task: Task, rejected: str = "", digest: str = "") -> Scorecard:
        return Scorecard(task.id, 1.0, 0.0, (), (), rejected, task.operations, digest or task.digest, "v")

    cards = [card(tasks[0]), card(tasks[1], rejected="a mutant passes"), card(tasks[2], digest="of another")]
    shards.write(layout.TASKS, Task, [("bench", t) for t in tasks])
    shards.write(layout.SCORECARDS, Scorecard, [("bench", c) for c in cards])
    (tmp_path / "params.yaml").write_text("select: {train: 2, bench: 3, models: 1}\n")
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/taxonomy.yaml").write_text("bench: [Analysis & Reasoning, Software Development]\n")
    assert select.main([]) == 0
    assert json.loads(layout.SELECTION.read_text()) == {"train": [], "bench": [tasks[0].id], "models": [tasks[0].id]}
    said = capsys.readouterr().out
    assert "rejected by their scorecard: 1" in said
    assert "not audited as they are now: 2" in said
    assert "bench: 1, 3 asked" in said
    assert "Software Development: none" in said


def test_without_tasks_the_user_is_told_what_to_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("select: {train: 2, bench: 3, models: 1}\n")
    with pytest.raises(UserError, match=r"data/scorecards.*make repro"):
        select.main([])
