import csv
import json

import bench_making as made
import making
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import evaluate, reading
from specs.errors import BoundaryError, UserError
from specs.records import CheckScore, Failure

TASKS = [making.task({}, identity=f"{n:012x}", split="bench", category="Content" if n else "Analysis", difficulty=1 + n) for n in range(3)]
INSTANCES = {t.id: (t.category, t.difficulty) for t in TASKS}


def figures(attempts, **more):
    return evaluate.evaluate(attempts, INSTANCES, resamples=200, seed=1, **more)


def test_an_example_worked_by_hand():
    runs = [made.rollout(t) for t in TASKS]
    halves = (CheckScore("a", "table", 1.0, ""), CheckScore("b", "tree", 0.0, ""))
    verdicts = [made.verdict(runs[0], 1.0), made.verdict(runs[1], 0.5, halves), made.verdict(runs[2], 0.0)]
    found = figures([made.attempt(r, v) for r, v in zip(runs, verdicts, strict=True)], shared=[TASKS[0].id, TASKS[1].id])
    assert (found["score"], found["solved"], found["n"], found["errors"], found["missing"]) == (0.5, 0.333333, 3, 0, 0)
    assert found["category"] == {"Analysis": {"score": 1.0, "solved": 1.0, "n": 1}, "Content": {"score": 0.25, "solved": 0.0, "n": 2}}
    assert {level: part["score"] for level, part in found["difficulty"].items()} == {"1": 1.0, "2": 0.5, "3": 0.0}
    assert found["kind"] == {"table": {"score": 0.666667, "n": 3}, "tree": {"score": 0.0, "n": 1}}
    assert found["shared"] == {"score": 0.75, "solved": 0.5, "n": 2}
    assert found["status"] == {"completed": 3}


def test_errors_are_left_out_of_scores_and_counted_by_boundary():
    fine, broken, misjudged = (made.rollout(t) for t in TASKS)
    broken = made.rollout(TASKS[1], status="error", error=Failure("endpoint", "503"))
    attempts = [made.attempt(fine, made.verdict(fine, 0.5)), made.attempt(broken, made.failed(broken, "endpoint"))]
    attempts.append(made.attempt(misjudged, made.failed(misjudged, "grader")))
    found = figures(attempts)
    assert (found["score"], found["n"], found["errors"]) == (0.5, 1, 2)
    assert found["status"] == {"completed": 1, "error: endpoint": 1, "error: grader": 1}


def test_a_rollout_that_failed_scores_nothing_even_if_its_verdict_says_one():
    broken = made.rollout(TASKS[0], status="error", error=Failure("box", "gone"))
    assert figures([made.attempt(broken, made.verdict(broken, 1.0))])["n"] == 0


def test_a_limit_counts_in_scores_and_is_named():
    stopped = made.rollout(TASKS[0], status="limit", limit="steps")
    found = figures([made.attempt(stopped, made.verdict(stopped, 0.25))])
    assert (found["score"], found["status"], found["missing"]) == (0.25, {"limit: steps": 1}, 2)


def test_rubrics_that_nobody_judged_are_counted_and_said():
    done, other, broken = (made.rollout(t) for t in TASKS)
    verdicts = [made.verdict(done, judging="not judged"), made.verdict(other, rubric=0.5, judging="judged")]
    found = figures([made.attempt(done, verdicts[0]), made.attempt(other, verdicts[1]), made.attempt(broken, made.failed(broken, "judge"))])
    assert (found["not_judged"], found["n"], found["status"]["error: judge"]) == (1, 2, 1)
    assert evaluate.line("someone", found).endswith("errors 1, not judged 1")


def test_boxes_that_went_without_a_protection_are_counted_and_said():
    strong, weak = made.rollout(TASKS[0]), made.rollout(TASKS[1], harness={"name": "builtin", "weak": ["a filter"]})
    found = figures([made.attempt(r, made.verdict(r)) for r in (strong, weak)])
    assert found["weak"] == {"a filter": 1}
    assert evaluate.line("someone", found).endswith("1 in boxes without a filter")
    assert "weak" not in figures([made.attempt(strong, made.verdict(strong))])


def test_an_ungraded_rollout_is_an_error_of_the_grader():
    assert figures([made.attempt(made.rollout(TASKS[0]), None)])["status"] == {"error: grader": 1}


def test_attempts_at_one_instance_weigh_as_one():
    first, second = made.rollout(TASKS[0], identity="a"), made.rollout(TASKS[0], identity="b", attempt=1)
    other = made.rollout(TASKS[1])
    attempts = [made.attempt(first, made.verdict(first, 1.0)), made.attempt(second, made.verdict(second, 0.0))]
    found = figures([*attempts, made.attempt(other, made.verdict(other, 1.0))])
    assert (found["score"], found["solved"], found["n"]) == (0.75, 0.75, 2)


def test_nothing_scored_gives_counts_and_no_score():
    found = figures([])
    assert (found["n"], found["missing"]) == (0, 3)
    assert "score" not in found and "score_low" not in found


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_the_interval_holds_the_mean_and_stays_inside_the_scores(scores, seed):
    low, high = evaluate.interval(scores, 300, seed)
    slack = 1e-6
    assert min(scores) - slack <= low <= high <= max(scores) + slack
    if len(scores) > 10:
        assert low - slack <= sum(scores) / len(scores) <= high + slack


def test_the_interval_of_a_fair_coin_is_that_of_the_binomial():
    low, high = evaluate.interval([0.0, 1.0] * 50, 4000, 3)
    assert low == pytest.approx(0.402, abs=0.011) and high == pytest.approx(0.598, abs=0.011)


def test_the_stage_reads_shards_and_writes_metrics_and_plots(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = [made.rollout(t, agent) for agent, tasks in (("teacher", TASKS), ("rl", TASKS[:1])) for t in tasks]
    made.keep(TASKS, runs, [made.verdict(r, 1.0 if r.agent == "teacher" else 0.5) for r in runs])
    made.choose(bench=[t.id for t in TASKS], models=[TASKS[0].id])
    (tmp_path / "params.yaml").write_text(
        "evaluate: {resamples: 100, seed: 1}\nrollout: {agents: {teacher: {policy: scripted}, rl: {policy: served}}}\n"
    )
    assert evaluate.main([]) == 0
    written = json.loads((tmp_path / "metrics/bench.json").read_text())
    assert {agent: (f["score"], f["n"], f["missing"]) for agent, f in written.items()} == {"teacher": (1.0, 3, 0), "rl": (0.5, 1, 0)}
    with (tmp_path / "plots/bench.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["agent", "category", "score"],
            ["teacher", "Analysis", "1.0"],
            ["teacher", "Content", "1.0"],
            ["rl", "Analysis", "0.5"],
        ]
    assert (tmp_path / "plots/difficulty.csv").read_text().startswith("agent,difficulty,score\nteacher,1,1.0\n")


def test_two_verdicts_on_one_rollout_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = made.rollout(TASKS[0])
    made.keep(TASKS, [run], [made.verdict(run), made.verdict(run, identity="v-again")])
    with pytest.raises(BoundaryError, match="two verdicts"):
        reading.attempts(*(made.layout.rollouts("teacher", "bench"), made.layout.verdicts("teacher", "bench")), "teacher", [TASKS[0].id])


def test_a_selected_task_that_is_gone_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made.keep(TASKS)
    with pytest.raises(UserError, match="task ffff is not in data/tasks"):
        evaluate.filed([TASKS[0].id, "ffff"])
