"""`make bench` from the command line's view: a real endpoint, real boxes, real grading, and the files that come out."""

import json

import bench_making as made
import making
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from openclaw_making import needed

from bench import run
from sandbox import rollout, scripted
from specs import digests, layout, shards
from specs.errors import UserError
from specs.records import Solution, Task, Verifier
from verifiers import grade

TASKS = [making.task({"in.txt": f"{n}\n"}, f"Double {n}.", ("out.txt",), f"{n}a2b3c4d5e6f", split="bench") for n in (1, 2)]
ANSWERS = {TASKS[0].id: b"2\n", TASKS[1].id: b"5\n"}  # the second is not what its solution writes
PARAMS = {
    "sandbox": {},
    "rollout": {
        "workers": 2,
        "attempts": 1,
        "retries": 0,
        "sampling": {},
        "caps": {"memory_mb": 256},
        "agents": {"untouched": {"policy": "scripted"}, "sft": {"policy": "served", "model": "models/sft"}},
    },
    "grade": {"workers": 2},
    "judge": {},
    "evaluate": {"resamples": 100, "seed": 1},
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    shards.write(layout.TASKS, Task, [("bench", t) for t in TASKS])
    checks = {
        i: {"expect": [{"path": "out.txt", "digest": digests.of_bytes(a)}], "gone": [], "under": "", "only": False}
        for i, a in ANSWERS.items()
    }
    shards.write(layout.VERIFIERS, Verifier, [("bench", making.verifier([{"kind": "files", "params": p}], i)) for i, p in checks.items()])
    made.choose(bench=[t.id for t in TASKS], models=[TASKS[0].id])
    return tmp_path


def endpoint():
    steps = [("exec", {"command": "echo $(( $(cat in.txt) * 2 )) > out.txt"}, "Doubling."), ("", {}, "Doubled.")]
    return scripted.serve("teacher", TASKS, [Solution(t.id, "s", making.solution(steps).steps) for t in TASKS])


def test_a_model_behind_an_endpoint_takes_the_whole_bench(project, capsys):
    with endpoint() as url:
        assert run.main(["--endpoint", url, "--model", "teacher"]) == 0
    figures = json.loads((project / "runs/teacher/metrics.json").read_text())
    assert list(figures) == ["teacher"]
    assert (figures["teacher"]["score"], figures["teacher"]["n"], figures["teacher"]["errors"]) == (0.5, 2, 0)
    html = (project / "runs/teacher/bench.html").read_text()
    assert "teacher on the ClawGym bench" in html and "Doubling." in html
    assert "teacher: 0.500" in capsys.readouterr().out


def test_a_second_call_needs_no_endpoint_for_what_is_finished(project):
    with endpoint() as url:
        run.main(["--endpoint", url, "--model", "teacher"])
    before = (project / "runs/teacher/metrics.json").read_text()
    assert run.main(["--endpoint", url, "--model", "teacher"]) == 0
    assert (project / "runs/teacher/metrics.json").read_text() == before


def test_an_endpoint_that_answers_nothing_gives_no_score(project):
    assert run.main(["--endpoint", "http://127.0.0.1:9/v1", "--model", "m"]) == 2
    assert not (project / "runs/m/metrics.json").exists()


def test_our_scripted_agents_stand_beside_it_where_they_are_evaluated(project):
    runs = [made.rollout(t, "untouched") for t in TASKS]
    made.keep(TASKS, runs, [made.verdict(r, 0.0) for r in runs])
    (project / "metrics").mkdir()
    figures = {"score": 0.0, "solved": 0.0, "n": 2, "score_low": 0.0, "score_high": 0.0, "errors": 0, "missing": 0, "shared": {"n": 0}}
    parts = {"category": {}, "difficulty": {}, "kind": {}, "status": {"completed": 2}}
    (project / "metrics/bench.json").write_text(json.dumps({"untouched": figures | parts}))
    with endpoint() as url:
        run.main(["--endpoint", url, "--model", "teacher"])
    assert 'data-agent="untouched"' in (project / "runs/teacher/bench.html").read_text()


def test_an_agent_of_ours_under_the_built_in_harness_is_the_pipelines(project):
    with pytest.raises(SystemExit):
        run.main(["--agent", "untouched"])


@needed
@pytest.mark.slow
def test_an_agent_of_ours_takes_the_bench_under_openclaw(project, capsys):
    own = yaml.safe_load((project / "params.yaml").read_text())
    own["rollout"]["agents"]["teacher"] = {"policy": "scripted"}
    own["rollout"]["openclaw"] = {"by": "exec", "ahead": 1}
    (project / "params.yaml").write_text(yaml.safe_dump(own))
    steps = [("exec", {"command": "echo $(( $(cat in.txt) * 2 )) > out.txt"}, "Doubling."), ("", {}, "Doubled.")]
    shards.write(layout.SOLUTIONS, Solution, [("bench", making.solution(steps, t.id)) for t in TASKS])
    for stage in (rollout.main, grade.main):
        assert stage(["--agent", "teacher", "--split", "bench"]) == 0
    assert run.main(["--agent", "teacher", "--harness", "openclaw"]) == 0
    assert "as under the built-in harness: 2 verdicts and 2 workspaces of 2\n" in capsys.readouterr().out
    (folder,) = (project / "runs").iterdir()
    figures = json.loads((folder / "metrics.json").read_text())[folder.name]
    assert (figures["score"], figures["n"], figures["errors"]) == (0.5, 2, 0)
    assert "teacher on the ClawGym bench under openclaw" in (folder / "bench.html").read_text()


@given(st.text(min_size=1, max_size=120))
def test_a_run_stays_in_its_folder_whatever_the_model_is_called(model):
    try:
        name = run.run_name(model)
    except UserError:
        return
    assert name not in ("", ".", "..") and "/" not in name and "\\" not in name and not name.startswith(".")
    assert (layout.RUNS / name).parent == layout.RUNS
    assert len(name.encode()) < 100


def test_two_models_never_share_a_folder():
    assert len({run.run_name(m) for m in ("org/model", "org-model", "org:model", "org model")}) == 4
    assert run.run_name("gpt-4.1") == "gpt-4.1"
