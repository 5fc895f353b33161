"""The teacher's styles: what is played, in which order, how much of it; and that it comes to the same in real boxes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from projects import SECTION, TASKS, Project
from styles_making import blanks, ledger, package, played, verifier_of

from sandbox import rollout, styles
from sandbox.agents import scripted_agent
from sandbox.box import open_box
from sandbox.plays import Play
from sandbox.styles import STYLES, Styles
from specs.errors import UserError
from specs.records import Limits, Solution, Task, sealed
from verifiers.grade import grade

EVENLY = Styles(dict.fromkeys(STYLES, 0.2), dict.fromkeys(STYLES, 0.3))
MADE = st.tuples(st.sampled_from([ledger, package, blanks]), st.integers(0, 10**9))
SHARES = st.fixed_dictionaries({name: st.sampled_from([0.0, 0.3, 1.0]) for name in STYLES}).filter(lambda shares: any(shares.values()))
RATES = st.fixed_dictionaries({name: st.sampled_from([0.0, 0.4, 1.0]) for name in STYLES})
DRAWN = st.builds(Styles, SHARES, RATES)


def only(style: str, rate: float = 0.0) -> Styles:
    return Styles({style: 1.0}, {style: rate})


def steps_of(solution: Solution) -> list[Play]:
    return [Play(step.says, step.tool, step.arguments) for step in solution.steps if step.tool]


@settings(max_examples=60, deadline=None)
@given(DRAWN, MADE)
def test_the_same_digest_plays_the_same(drawn: Styles, made: Any) -> None:
    make, number = made
    assert styles.episode(drawn, *make(number)) == styles.episode(drawn, *make(number))


@settings(max_examples=60, deadline=None)
@given(DRAWN, MADE)
def test_the_solutions_steps_come_in_order_and_unchanged_and_its_answer_last(drawn: Styles, made: Any) -> None:
    make, number = made
    task, solution = make(number)
    turns = styles.episode(drawn, task, solution)
    assert [(t.play.tool, t.play.arguments) for t in turns if t.kind == "step"] == [(p.tool, p.arguments) for p in steps_of(solution)]
    assert [t.play for t in turns if not t.play.tool] == [turns[-1].play] == [Play(solution.steps[-1].says)]
    assert turns[-1].kind == "done"


@settings(max_examples=60, deadline=None)
@given(DRAWN, MADE, st.integers(1, 40))
def test_no_episode_is_longer_than_it_may_be(drawn: Styles, made: Any, limit: int) -> None:
    make, number = made
    task, solution = make(number, limits=Limits(limit, 60, 4000))
    plain = len(solution.steps)
    for turns in (styles.episode(drawn, task, solution), styles.episode(drawn, make(number)[0], solution, limit)):
        assert len(turns) <= max(plain, plain + (limit - plain) // 2)


@settings(max_examples=60, deadline=None)
@given(DRAWN, MADE)
def test_nobody_is_silent_who_speaks_otherwise(drawn: Styles, made: Any) -> None:
    make, number = made
    task, solution = make(number)
    silent = sum(not step.says for step in solution.steps)
    assert sum(not turn.play.says for turn in styles.episode(drawn, task, solution)) <= 2 * silent


def test_styles_get_their_shares() -> None:
    shares = {"brisk": 0.5, "careful": 0.3, "explorer": 0.2, "reviewer": 0.0}
    counts = Counter(styles.style_of(Styles(shares, {}), ledger(n)[0]) for n in range(1000))
    assert {name: round(counts[name] / 1000, 1) for name in shares} == shares


def test_another_style_takes_tasks_and_moves_no_others() -> None:
    before, after = (Styles({"brisk": 0.4, "careful": 0.4} | more, {}) for more in ({}, {"explorer": 0.2}))
    pairs = {(styles.style_of(before, task), styles.style_of(after, task)) for task in (ledger(n)[0] for n in range(300))}
    assert pairs == {(one, one) for one in ("brisk", "careful")} | {(one, "explorer") for one in ("brisk", "careful")}


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3])
def test_mistakes_are_as_frequent_as_told(rate: float) -> None:
    """All five steps of the ledger can go wrong."""
    episodes = [styles.episode(only("fallible", rate), *ledger(n)) for n in range(500)]
    slips = sum(turn.kind == "slip" for turns in episodes for turn in turns)
    assert slips / (5 * 500) == pytest.approx(rate, abs=0.03)


def test_only_who_errs_errs() -> None:
    drawn = Styles({"careful": 0.5, "fallible": 0.5}, {"fallible": 1.0})
    erring = {(styles.style_of(drawn, ledger(n)[0]), any(t.kind == "slip" for t in styles.episode(drawn, *ledger(n)))) for n in range(60)}
    assert erring == {("careful", False), ("fallible", True)}


@pytest.mark.parametrize("style", sorted(set(STYLES) - {"brisk"}))
def test_a_style_is_no_macro(style: str) -> None:
    episodes = [styles.episode(only(style, 0.4), *ledger(n)) for n in range(60)]
    assert len({tuple((t.play.tool, str(t.play.arguments)) for t in turns) for turns in episodes}) > 15
    assert len({t.play.says for turns in episodes for t in turns if t.kind != "step"}) > 20


def test_brisk_is_the_solution_itself() -> None:
    task, solution = ledger()
    assert [turn.play for turn in styles.episode(only("brisk"), task, solution)] == [*steps_of(solution), Play("Both are written.")]


@pytest.mark.parametrize("make", [ledger, blanks])
@pytest.mark.parametrize("style", STYLES)
def test_each_style_leaves_what_the_solution_leaves(style: str, make: Any) -> None:
    for number in range(3):
        task, solution = make(number)
        turns = styles.episode(only(style, 0.5), task, solution)
        said, left = played(task, [turn.play for turn in turns])
        assert left == played(task, steps_of(solution))[1]
        assert grade(task, verifier_of(task), left, open_box).score == 1.0
        assert not [said for said, turn in zip(said, turns, strict=False) if turn.kind in ("look", "repair") and failed(said)]


def failed(said: str) -> bool:
    return said.startswith("error: ") or "[exit status" in said


def test_the_policy_plays_the_episode_whatever_was_said_and_closes_for_good() -> None:
    task, solution = ledger()
    play, turns = styles.policy(EVENLY), styles.episode(EVENLY, task, solution)
    in_any_order = [len(turns) + 5, *reversed(range(len(turns)))]
    assert [play(task, solution, turn) for turn in in_any_order] == [turns[-1].play, *(turn.play for turn in reversed(turns))]


def test_a_task_without_a_solution_is_not_played() -> None:
    with pytest.raises(LookupError, match="has no solution"):
        styles.policy(EVENLY)(ledger()[0], None, 0)


def test_a_server_does_not_keep_every_episode(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    episode = styles.episode
    monkeypatch.setattr(styles, "KEPT", 2)
    monkeypatch.setattr(styles, "episode", lambda *given: made.append(given[1].id) or episode(*given))
    play = styles.policy(EVENLY)
    for number in (0, 1, 1, 2, 0):
        play(*ledger(number), 0)
    assert made == [ledger(number)[0].id for number in (0, 1, 2, 0)]


def test_a_rollouts_policy_knows_its_style_and_nothing_of_others() -> None:
    def record(drawn: Styles | None) -> dict[str, Any]:
        return scripted_agent("teacher", 0, [task], [solution], drawn).policy_for(task)

    task, solution = ledger()
    mine = styles.style_of(EVENLY, task)
    other = next(name for name in STYLES if name != mine)
    assert record(EVENLY)["styles"] == {"code": styles.code(), "style": mine, "mistakes": 0.3}
    assert record(EVENLY) == record(replace(EVENLY, mistakes={**EVENLY.mistakes, other: 0.9}))
    assert record(EVENLY) != record(replace(EVENLY, mistakes={**EVENLY.mistakes, mine: 0.9}))
    assert record(None) == {name: value for name, value in record(EVENLY).items() if name != "styles"}


def test_the_stage_plays_in_styles(tmp_path: Path) -> None:
    agents = {"teacher": {"policy": "scripted", "styles": {"brisk": 0.3, "reviewer": 0.7}}}
    project = Project(tmp_path, TASKS, agents=agents)
    project.stage("--agent", "teacher")
    found = project.rollouts("data/rollouts/teacher-train")
    for n, task in enumerate(TASKS):
        assert [(c.path, c.content) for c in found[task.id].changes] == [("out.txt", f"{2 * n}\n".encode())]
    assert {(one.policy["styles"]["style"], one.usage.tool_calls > 2) for one in found.values()} == {("brisk", False), ("reviewer", True)}


@pytest.mark.parametrize(
    ("name", "told", "words"),
    [
        (
            "teacher",
            {"styles": {"hasty": 1}},
            "rollout.agents.teacher.styles.hasty is not one of brisk, careful, explorer, fallible, reviewer",
        ),
        ("teacher", {"styles": {"brisk": "all"}}, "rollout.agents.teacher.styles.brisk is not a number from 0 to 1"),
        ("teacher", {"styles": {"brisk": 0}}, "rollout.agents.teacher.styles has no share that is above 0"),
        (
            "teacher",
            {"styles": ["brisk"]},
            "rollout.agents.teacher.styles is not a number for each of some of brisk, careful, explorer, fallible, reviewer",
        ),
        (
            "teacher",
            {"styles": {"brisk": 1}, "mistakes": {"brisk": 1.5}},
            "rollout.agents.teacher.mistakes.brisk is not a number from 0 to 1",
        ),
        ("teacher", {"mistakes": {"brisk": 1}}, "rollout.agents.teacher.mistakes needs styles"),
        ("echo", {"styles": {"brisk": 1}}, "rollout.agents.echo has styles or mistakes, which only the teacher can have"),
    ],
)
def test_styles_that_make_no_sense_are_the_users_mistake(tmp_path: Path, name: str, told: dict[str, Any], words: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump({"rollout": {**SECTION, "agents": {**SECTION["agents"], name: {"policy": "scripted", **told}}}}))
    with pytest.raises(UserError) as refused:
        rollout.settings(path)
    assert [(p.path, p.line, p.what) for p in refused.value.problems] == [(path.as_posix(), 1, words)]


def test_a_short_limit_leaves_the_solution_alone() -> None:
    task, solution = ledger()
    short = sealed(replace(task, limits=Limits(len(solution.steps), 60, 4000)))
    assert [turn.kind for turn in styles.episode(only("reviewer", 1.0), short, solution)] == ["step"] * 5 + ["done"]


def test_a_solution_without_an_answer_is_closed() -> None:
    task: Task
    task, solution = ledger()
    turns = styles.episode(EVENLY, task, replace(solution, steps=solution.steps[:-1]))
    assert turns[-1].play == Play("Done.")
