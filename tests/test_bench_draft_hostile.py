"""What a drafting model can't reach: paths, names, code outside a box, files through SQL, the judge's time and memory."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from draft_making import PERSONA, SCENARIO, files, laid, model, several, single, skill, told

from bench.drafting import answers, trial


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return laid(tmp_path, monkeypatch)


HOSTILE = [
    "../../outside.py",
    "/tmp/outside.py",
    "solutions/../../../outside.py",
    "files/run.sh",
    "sources/x/y.py",
    "solutions/a b.py",
    ".git/config",
]


@pytest.mark.parametrize("path", HOSTILE)
def test_a_path_of_the_model_goes_nowhere(root: Path, path: str) -> None:
    before = files(root)
    with model(several({**skill(), path: "import os\n"})) as (url, _):
        (problem,) = told(url, "skill")
    assert f"the path {path!r} is not one that a skill's draft may have" in problem
    assert {p for p in files(root) if p not in before} == {f"drafts/skill/cutting/{name}" for name in skill()}
    assert not Path("/tmp/outside.py").exists()


@pytest.mark.parametrize("name", ["../../etc", "/etc/passwd", "a/b", "-rf", "counting", "x" * 61, "ä", ""])
def test_a_name_of_the_model_names_no_folder_unless_it_is_one(root: Path, name: str) -> None:
    before = files(root)
    answer = several({**skill(), "operations.yaml": skill()["operations.yaml"].replace("skill: cutting ", f"skill: {name} ")})
    with model(answer) as (url, asked):
        (problem,) = told(url, "skill")
    assert "operations.yaml:1:1: skill: " in asked[1]["messages"][3]["content"]
    (left,) = {p for p in files(root) if p not in before}
    assert re.fullmatch(r"drafts/skill/unnamed-[0-9a-f]{8}/answer\.txt", left)
    assert problem.startswith(f"{left}:") and (root / left).read_text(encoding="utf-8").endswith(answer)


def test_a_drafted_operation_may_not_yield_code(root: Path) -> None:
    """A package is run by the compiler itself, in no box."""
    files = skill()
    marker = root / "ran"
    files["operations.yaml"] = files["operations.yaml"].replace("yields: {as: table, columns: same, ordered: true}", "yields: {as: code}")
    files["solutions/at-least.py"] = f"open({str(marker)!r}, 'w')\nresult = []\n"
    with model(several(files)) as (url, _):
        problems = told(url, "skill")
    assert any("yields.as: a drafted operation may not yield code" in p for p in problems)
    assert not marker.exists()


@pytest.mark.slow
def test_a_drafted_solution_runs_in_a_box(root: Path) -> None:
    outside = root / "outside.csv"
    outside.write_text("measure\n1\n")
    files = skill()
    files["solutions/at-least.py"] = f"open({str(outside)!r}, 'w').write('gone')\nresult = rows\n"
    with model(several(files)) as (url, _):
        got = told(url, "skill")
        assert any("Error" in p and "operations[0].solution" in p for p in got), got
    assert outside.read_text() == "measure\n1\n"


@pytest.mark.slow
def test_a_drafted_truth_reads_no_file(root: Path) -> None:
    outside = root / "outside.csv"
    outside.write_text("measure\n1\n")
    reading = {
        **skill(),
        "operations.yaml": skill()["operations.yaml"].replace(
            "FROM rows WHERE measure >= $least", f"FROM rows, read_csv('{outside}') AS r WHERE rows.measure >= $least", 1
        ),
    }
    with model(several(reading)) as (url, _):
        got = told(url, "skill")
        assert any("file system operations are disabled" in p for p in got), got


def test_a_draft_that_takes_too_long_is_told(root: Path) -> None:
    (problem,) = trial.judged(answers.read("persona", single(PERSONA)), root, seconds=0.2)
    assert (problem.path, problem.what) == ("jam-judge.yaml", "judging it took more than 0.2 seconds")


def test_a_draft_that_breaks_the_judge_is_told(root: Path) -> None:
    wide = answers.read("scenario", single(SCENARIO.replace("{{ ", "{{ 'x' * 9000000000 }}{{ ", 1)))
    (problem,) = trial.judged(wide, root)
    assert (problem.path, problem.what) == ("jam-fines.yaml", "judging it broke off: MemoryError")
