"""From compiled tasks to reworded ones: asked over HTTP, recorded, taken by compiling without any network; or written by hand."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rewording_making as made
import tinyspecs
import yaml

from bench import origins, sides
from generators import compile, wording
from generators.rewriting import applying, gate
from generators.rewriting.records import Wording
from sandbox import plays, scripted
from sandbox.endpoint import connect
from specs import layout, records, shards
from specs.errors import BoundaryError, UserError
from specs.records import Provenance, Solution, Task

GONE = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    root = tinyspecs.tree(tmp_path)
    tinyspecs.replace(root, "specs/scenarios/market-day.yaml", "tasks: 2", "tasks: 4")
    monkeypatch.chdir(root)
    forget()
    yield root
    forget()


def forget() -> None:
    """A process reads specs, params and records once; here they change under its feet."""
    for cached in (compile._specs, compile.code_digest, applying._sources):
        cached.cache_clear()


def set_params(**section: Any) -> None:
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    params["wording"] |= {"requests_per_minute": 60_000, "retries": 0, **section}
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def compiled() -> dict[str, Task]:
    forget()
    assert compile.main(["--workers", "1"]) == 0
    return {t.id: t for t in shards.read(layout.TASKS, Task)}


def figures() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("metrics/wording.json").read_text())
    return found


def wordings() -> dict[str, Wording]:
    return {w.id: w for w in shards.read(layout.WORDINGS, Wording)}


def provenance() -> dict[str, Provenance]:
    return {p.id: p for p in shards.read(layout.PROVENANCE, Provenance)}


def data() -> dict[str, str]:
    return {p.as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(Path("data").rglob("*.parquet"))}


def reword(script: Callable[[made.Body], made.Answer] = made.honest, **section: Any) -> made.Played:
    """Ask a scripted endpoint about all tasks; its address is left behind in params.yaml, where nothing listens any more."""
    with made.endpoint(script) as played:
        set_params(endpoint=played.url, model="some-model", **section)
        assert wording.main([]) == 0
    set_params(endpoint=GONE)
    return played


def test_off_by_default() -> None:
    compiled()
    assert figures() == {"by_hand": 0, "rewritten": 0, "left_as_compiled": 5, "refused": {}, "unasked": 0}
    assert {p.wording for p in provenance().values()} == {"compiled"}
    with pytest.raises(UserError) as caught:
        wording.main([])
    assert "wording.endpoint: rewriting is off" in str(caught.value)


def test_compiled_wordings_pass_the_gate_that_rewordings_pass() -> None:
    compiled()
    assert all(gate.refusals(w, gate.compiled(w)) == [] for w in wordings().values())


def test_what_passed_is_compiled_without_a_network_and_the_bytes_stay() -> None:
    before = compiled()
    played = reword()
    assert len(played.bodies) == 10
    after = compiled()
    assert set(after) == set(before)
    for i, task in after.items():
        assert task.instruction.startswith("Well, well.") and task.digest != before[i].digest
        assert records.sealed(task) == task
        assert (task.workspace, task.outputs, task.operations) == (before[i].workspace, before[i].outputs, before[i].operations)
    assert figures() == {"by_hand": 0, "rewritten": 5, "left_as_compiled": 0, "refused": {}, "unasked": 0}
    first = data()
    Path(".clawgym/store.sqlite").unlink()
    compiled()
    assert data() == first
    wording.main([])  # nothing is left to ask, so nobody notices that the endpoint is gone
    compiled()
    assert data() == first


def test_the_wordings_stay_compiled_so_that_asking_again_asks_the_same() -> None:
    compiled()
    before = wordings()
    reword()
    compiled()
    assert wordings() == before


def test_provenance_leads_to_the_recorded_lines() -> None:
    compiled()
    reword()
    compiled()
    for i, found in provenance().items():
        assert found.wording == "rewritten"
        origin = origins.origin(found.specs[-1])
        assert (origin.kind, origin.state, origin.ref.name) == ("wording", "here", i)
        line = Path(origin.ref.path).read_text(encoding="utf-8").split("\n")[origin.line - 1]
        assert json.loads(line)["task"] == i


def test_a_refused_rewording_leaves_the_task_as_it_was() -> None:
    before = compiled()
    victim = min(before)

    def script(body: made.Body) -> made.Answer:
        about = made.material(body)
        if not made.asks_names(body) and about["steps"] == list(wordings()[victim].steps):
            return "I would rather not."
        return made.honest(body)

    played = reword(script, rounds=2)
    after = compiled()
    assert len(played.bodies) == 10
    assert after[victim] == before[victim] and provenance()[victim].wording == "compiled"
    assert (figures()["rewritten"], figures()["left_as_compiled"], figures()["refused"]) == (4, 1, {"not-json": 1})


def test_a_failure_of_the_machinery_leaves_the_task_to_another_run() -> None:
    before = compiled()
    left = [500]

    def script(body: made.Body) -> made.Answer:
        from starlette.responses import JSONResponse

        return JSONResponse({"error": {"message": "no"}}, left.pop()) if left else made.honest(body)

    with made.endpoint(script) as played:
        set_params(endpoint=played.url, model="some-model")
        with pytest.raises(BoundaryError, match="1 tasks could not be asked") as caught:
            wording.main([])
        assert caught.value.boundary == "endpoint" and "http-500 1" in str(caught.value)
        after = compiled()
        assert (figures()["rewritten"], figures()["unasked"], figures()["refused"]) == (4, 1, {})
        assert sum(after[i] == before[i] for i in before) == 1
        assert wording.main([]) == 0
    compiled()
    assert figures()["rewritten"] == 5


def test_another_model_or_sampling_takes_no_words_that_were_not_its_own() -> None:
    before = compiled()
    reword()
    set_params(model="another")
    assert compiled() == before and figures()["unasked"] == 5


def test_an_edited_saying_asks_anew_for_the_tasks_that_say_it() -> None:
    compiled()
    reword()
    compiled()
    tinyspecs.replace(Path(), "specs/scenarios/market-day.yaml", "What sells:", "What goes:")
    changed = compiled()
    said = {i for i, w in wordings().items() if "What goes:" in w.instruction}
    assert 0 < len(said) < 5 and figures()["unasked"] == len(said)
    assert {i for i, t in changed.items() if not t.instruction.startswith("Well, well.")} == said


def test_prune_leaves_what_is_still_asked_for() -> None:
    compiled()
    reword()
    with made.endpoint() as played:
        set_params(endpoint=played.url, model="another")
        wording.main(["--prune"])
    lines = [json.loads(line) for p in Path("specs/wordings/recorded").iterdir() for line in p.read_text().splitlines()]
    assert len(lines) == 10 and {line["model"] for line in lines} == {"another"}


def test_a_key_that_is_not_set_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled()
    monkeypatch.delenv("OUR_KEY", raising=False)
    set_params(endpoint=GONE, model="m", key_env="OUR_KEY")
    with pytest.raises(UserError, match="the environment has no OUR_KEY"):
        wording.main([])


def by_hand(task: str, capsys: pytest.CaptureFixture[str], *changes: tuple[str, str]) -> str:
    """An entry started from the printed one, with some of its words changed."""
    capsys.readouterr()
    assert wording.main(["--by-hand", task]) == 0
    text = capsys.readouterr().out
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    Path("specs/wordings").mkdir(exist_ok=True)
    Path("specs/wordings/ada.yaml").write_text(text, encoding="utf-8")
    return text


def test_words_by_hand_are_taken_before_those_of_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    before = compiled()
    task = min(before)
    reword()
    by_hand(task, capsys, ("I want to know what to carry.", "Tell me what is worth carrying."))
    after = compiled()
    assert "Tell me what is worth carrying." in after[task].instruction
    assert (figures()["by_hand"], figures()["rewritten"]) == (1, 4)
    found = provenance()[task]
    assert found.wording == "by hand" and found.specs[-1].path == "specs/wordings/ada.yaml"
    origin = origins.origin(found.specs[-1])
    assert (origin.state, origin.line, origin.kind) == ("here", 2, "wording")


def test_words_by_hand_that_lose_something_fail_the_build_at_their_line(capsys: pytest.CaptureFixture[str]) -> None:
    task = min(compiled())
    lost = next(d for d in wordings()[task].demands if d.name.endswith("/out")).saying
    text = by_hand(task, capsys, (lost, "`somewhere.csv`"))
    with pytest.raises(UserError) as caught:
        compiled()
    told = {(p.line, p.what) for p in caught.value.problems}
    quoted = next(n for n, line in enumerate(text.splitlines(), 1) if "counting.once/out" in line or "counting.total/out" in line)
    assert any(line == quoted and lost in what for line, what in told), told


def test_words_by_hand_for_what_was_compiled_before_fail_the_build(capsys: pytest.CaptureFixture[str]) -> None:
    compiled()
    task = next(i for i, w in sorted(wordings().items()) if "The market is tomorrow" in w.instruction)
    by_hand(task, capsys)
    tinyspecs.replace(Path(), "specs/scenarios/market-day.yaml", "The market is tomorrow", "The market is on Friday")
    with pytest.raises(UserError, match="compiled: the compiled instruction is another by now"):
        compiled()


def test_words_by_hand_for_a_task_that_is_not_compiled_are_told_and_do_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    before = compiled()
    by_hand(min(before), capsys, (min(before), "ffffffffffff"))
    assert compiled() == before and figures()["by_hand"] == 0
    assert "specs/wordings/ada.yaml:2:9: rewordings[0].task: no task of this id is compiled" in capsys.readouterr().err


def test_scripted_policies_know_reworded_tasks_by_their_words() -> None:
    compiled()
    reword()
    tasks = list(compiled().values())
    solutions = list(shards.read(layout.SOLUTIONS, Solution))
    with scripted.serve("teacher", tasks, solutions) as url:
        complete = connect(url, "teacher")
        for task in tasks:
            solution = next(s for s in solutions if s.id == task.id)
            said = complete([{"role": "user", "content": task.instruction}], [], {})
            assert said.response["choices"][0]["message"]["content"] == plays.teacher(task, solution, 0).says


def test_an_edit_of_words_by_hand_is_an_edit_of_its_task_alone(capsys: pytest.CaptureFixture[str]) -> None:
    tasks = compiled()
    before = sides.side(Path())
    task = min(tasks)
    by_hand(task, capsys, ("I want to know what to carry.", "Tell me what is worth carrying."))
    forget()
    after = sides.side(Path())
    assert {i for i in tasks if before.keys[i] != after.keys[i]} == {task}
    assert ("specs/wordings/ada.yaml", task) in after.used(task) and ("specs/wordings/ada.yaml", task) in after.entries


def test_recorded_answers_are_in_the_key_of_their_task_alone() -> None:
    tasks = compiled()
    before = sides.side(Path()).keys
    with made.endpoint() as played:
        set_params(endpoint=played.url, model="some-model")
        wording.main([min(tasks)])
    forget()
    after = sides.side(Path()).keys
    assert {i for i in tasks if before[i] != after[i]} == {min(tasks)}


def test_the_full_build_is_asked_about_as_well() -> None:
    params = Path("params.yaml").read_text(encoding="utf-8")
    Path("params.yaml").write_text(re.sub(r"(full:\n  scale:) [\d.]+", r"\1 2.0", params), encoding="utf-8")
    forget()
    compile.main(["--workers", "1", "--full"])
    with made.endpoint() as played:
        set_params(endpoint=played.url, model="some-model")
        assert wording.main(["--full"]) == 0
    forget()
    compile.main(["--workers", "1", "--full"])
    full = json.loads(Path("data/full/wording.json").read_text())
    assert full["rewritten"] == 10 and len(played.bodies) == 20
    compiled()
    assert figures()["rewritten"] == 5
