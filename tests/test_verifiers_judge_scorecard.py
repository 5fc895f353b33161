"""The judge's scorecard: spoiled texts keep their facts, pairs are counted by criterion, and the command runs against any endpoint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import endpoint_making
import judge_making as made
import making
import pytest
from endpoint_making import Body, Script
from judge_making import Asked

from specs import layout, shards
from specs.records import Candidates, Solution, Task, Verifier
from verifiers.judge_scorecard import spoiled, summary, trials
from verifiers.judging import Judgement, Vote
from verifiers.kinds import message
from verifiers.snapshot import view_of
from verifiers.spoiling import SPOILS

ROOT = Path(__file__).parent.parent
SCHEMAS = [ROOT / "specs/schemas" / f"{kind}.schema.json" for kind in ("template", "operations")]
TELLS = {  # words by which a scripted judge knows a spoiled text
    "insulting": "lazy",
    "chummy": "mate",
    "inventing": "Antwerp",
}


@pytest.mark.parametrize("spoil", SPOILS)
@pytest.mark.parametrize("text", [made.RIGHT, "Ms Kühn\nItems: 3\n- **Total:** 12.50"])
def test_a_spoiled_text_is_another_and_keeps_its_facts(spoil: str, text: str) -> None:
    worse = SPOILS[spoil](text, 60)
    assert worse != text
    score, why = message.check(made.FACTS, view_of(made.task(), [made.letter(worse)]))
    assert score == 1.0, why


def test_padding_keeps_to_the_limit_on_words_and_is_left_out_where_there_is_no_room() -> None:
    assert SPOILS["padding"](made.RIGHT, 5) == made.RIGHT
    assert len(SPOILS["padding"](made.RIGHT, 20).split()) == len(made.RIGHT.split()) + 20


def test_schemas_know_the_ways_to_spoil_that_there_are_and_criteria_have_one_form() -> None:
    forms = [json.loads(path.read_text(encoding="utf-8"))["$defs"]["rubric"] for path in SCHEMAS]
    assert forms[0] == forms[1]
    assert set(forms[0]["items"]["properties"]["spoiled_by"]["items"]["enum"]) == set(SPOILS)


def test_each_criterion_is_tried_on_what_it_must_notice() -> None:
    found = list(trials(made.task(), made.verifier(), [made.letter()]))
    assert [(t.item.id, t.spoil) for t in found] == [
        ("1-letter/polite", ""),
        ("1-letter/polite", "insulting"),
        ("1-letter/polite", "chummy"),
        ("1-letter/supported", ""),
        ("1-letter/supported", "inventing"),
    ]


def test_a_spoiled_text_that_code_finds_fault_with_is_not_tried() -> None:
    tight = made.dataclasses.replace(
        made.verifier(), checks=making.verifier([{"kind": "message", "params": made.FACTS | {"max_words": 15}}]).checks
    )
    assert spoiled(made.task(), tight, [made.letter()], made.PATH, "inventing") is None
    assert spoiled(made.task(), tight, [made.letter()], made.PATH, "shouting") is not None


def test_a_pair_counts_only_where_both_texts_were_judged_right() -> None:
    found = list(trials(made.task(), made.verifier("0a1b2c3d4e5f", [made.POLITE]), [made.letter()]))

    def pairs(*met: bool | None) -> tuple[int, float, float]:
        answers = [None if m is None else Judgement(m, (Vote("yes" if m else "no", "", ""),)) for m in met]
        row = summary(found, answers)["criterion"]["polite"]
        return row["pairs"], row["apart"], row["noticed"]

    assert pairs(True, False, False) == (2, 1.0, 1.0)
    assert pairs(True, True, False) == (2, 0.5, 0.5)
    assert pairs(False, False, False) == (2, 0.0, 1.0)  # who says no to all tells nothing apart
    assert pairs(True, None, False) == (1, 1.0, 1.0)
    assert summary(found, [None, None, None])["failed"] == 3


def knowing(tells: dict[str, str]) -> Script:
    """A judge that notices these words, and nothing else."""

    def fine(about: Asked) -> bool:
        return not any(word in about.text for word in tells.values())

    return made.plain(fine)


def run(script: Script, *more: str) -> tuple[subprocess.CompletedProcess[str], list[Body]]:
    """The command on a small dataset whose solution writes the letter in a box."""
    task = made.task()
    steps = [("write", {"path": made.PATH, "content": made.RIGHT}, "I write it."), ("", {}, "Done.")]
    shards.write(layout.TASKS, Task, [("bench", task)])
    shards.write(layout.VERIFIERS, Verifier, [("bench", made.verifier())])
    shards.write(layout.SOLUTIONS, Solution, [("bench", making.solution(steps))])
    shards.write(layout.CANDIDATES, Candidates, [("bench", Candidates(task.id, ()))])
    Path("params.yaml").write_text(json.dumps({"sandbox": {}, "judge": made.SECTION | {"endpoint": None}}))
    env = os.environ | {"PYTHONPATH": str(ROOT), "CLAWGYM_STORE": "store.sqlite"}
    with endpoint_making.endpoint(script) as played:
        command = [sys.executable, "-m", "verifiers.judge_scorecard", "--endpoint", played.url, "--model", "some-judge", *more]
        return subprocess.run(command, check=False, capture_output=True, text=True, env=env), played.bodies


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_judge_that_tells_them_apart_passes_and_writes_only_when_asked(here: None) -> None:
    done, bodies = run(knowing(TELLS))
    assert done.returncode == 0, done.stderr
    assert "1 tasks, 5 questions, 3 pairs, 100.0% told apart" in done.stdout
    assert len(bodies) == 10 and not Path("metrics").exists()
    done, bodies = run(knowing(TELLS), "--write")
    figures = json.loads(Path("metrics/judge.json").read_text())
    assert bodies == [] and (figures["pairs"], figures["apart"], figures["void"], figures["model"]) == (3, 1.0, 0.0, "some-judge")
    assert figures["criterion"]["polite"] == {"pairs": 2, "apart": 1.0, "noticed": 1.0, "solutions": 1, "solutions_yes": 1.0}


def test_a_judge_that_overlooks_something_is_not_believed_on_that(here: None) -> None:
    done, _ = run(knowing({"insulting": "lazy", "chummy": "mate"}))
    assert done.returncode == 1 and "not to be believed on supported" in done.stdout


def test_a_judge_that_says_yes_to_all_tells_nothing_apart(here: None) -> None:
    done, _ = run(lambda _: made.answer("yes"))
    assert done.returncode == 1 and "0.0% told apart" in done.stdout


def test_a_dataset_without_rubrics_is_said_to_be(here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "verifier", lambda: making.verifier([{"kind": "message", "params": made.FACTS}]))
    done, _ = run(knowing(TELLS))
    assert done.returncode == 1 and "no task has a rubric" in done.stderr and "Traceback" not in done.stderr


def test_the_repositorys_rubrics_are_all_put_to_the_test() -> None:
    """Each way to spoil a text is some criterion's business."""
    from specs import catalogue

    specs = catalogue.load(ROOT)
    owners = [*specs.templates.values(), *(o.spec for o in specs.operations())]
    rubric = [c for owner in owners for c in owner.get("rubric", [])]
    assert {s for c in rubric for s in c["spoiled_by"]} == set(SPOILS)
