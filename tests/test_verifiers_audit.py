"""The audit: a sound task is kept with its evidence, and each way of being unsound is found; run for real over shards."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import checking
import making
import pytest

from sandbox.box import open_box
from sandbox.changes import apply_changes
from specs import layout, shards
from specs.records import Candidate, Candidates, Change, MutantScore, Protected, Scorecard, Solution, Task, Verifier
from specs.store import Store
from verifiers import audit as module
from verifiers import mutants, scorecard
from verifiers.audit import audit
from verifiers.cases import Case
from verifiers.warm import Warm

ROOT = Path(__file__).parent.parent
needs_box = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")

IN = "payee,amount\nAldi,1.50\nLidl,2.00\nAldi,3.25\n"
OUT = "payee,total\nAldi,4.75\nLidl,2.00\n"
COLUMNS = [{"name": "payee", "type": "text"}, {"name": "total", "type": "number", "decimals": 2}]
PARAMS: dict[str, Any] = {
    "path": "out/sums.csv",
    "format": "csv",
    "columns": COLUMNS,
    "rows": [["Aldi", "4.75"], ["Lidl", "2.00"]],
    "ordered": False,
    "iso_dates": False,
}
SCRIPT = (
    "python3 - <<'EOF'\nimport csv, os\nfrom decimal import Decimal\nsums = {}\nfor r in csv.DictReader(open('in.csv')):\n"
    "    sums[r['payee']] = sums.get(r['payee'], 0) + Decimal(r['amount'])\nos.makedirs('out', exist_ok=True)\n"
    "with open('out/sums.csv', 'w') as f:\n    print('payee,total', *(f'{k},{v}' for k, v in sums.items()), sep='\\n', file=f)\nEOF"
)
STEPS = [
    ("exec", {"command": "ls"}, "Looking."),
    ("exec", {"command": SCRIPT}, "Adding up."),
    ("read", {"path": "out/sums.csv"}, "Checking."),
    ("", {}, "Done."),
]


def candidate(kind: str, content: str, should_pass: bool, demand: str = "") -> Candidate:
    return Candidate("x", kind, demand, should_pass, checking.changes({"out/sums.csv": content}))


CANDIDATES = (
    candidate("demand", OUT.replace("4.75", "3.25"), False, "ledger.total/sum"),
    candidate("crlf", OUT.replace("\n", "\r\n"), True),
    candidate("trimmed-zeros", OUT.replace("2.00", "2"), True),
)


def case(
    identity: str = "0a1b2c3d4e5f",
    params: dict[str, Any] = PARAMS,
    steps: list[tuple[str, dict[str, Any], str]] = STEPS,
    candidates: tuple[Candidate, ...] = CANDIDATES,
    given: dict[str, bytes | str] | None = None,
    outputs: tuple[str, ...] = ("out/sums.csv",),
    kind: str = "table",
    instruction: str = "",
) -> Case:
    asked = instruction or f"Add up in.csv. Put it into {', '.join(outputs)}."
    task = making.task(given or {"in.csv": IN}, asked, identity=identity, outputs=outputs)
    return Case(
        task, making.verifier([{"kind": kind, "params": params}], identity=identity), making.solution(steps, identity=identity), candidates
    )


@needs_box
def test_a_sound_task_has_its_evidence() -> None:
    card = audit(case(), open_box)
    assert card.rejected == ""
    assert (card.solution, card.untouched) == (1.0, 0.0)
    assert {m.kind for m in card.mutants} >= {
        "demand",
        "empty",
        "echo",
        "junk",
        "truncated",
        "input-copied",
        "wrong-path",
        "left-out",
        "inputs-emptied",
        "all-emptied",
    }
    assert all(m.score < 1 for m in card.mutants)
    assert [(e.kind, e.score) for e in card.equivalents] == [("crlf", 1.0), ("trimmed-zeros", 1.0)]


@needs_box
@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (case(steps=STEPS[:1]), "the solution scores 0: out/sums.csv is missing"),
        (case(instruction="Add up in.csv."), "a check that nobody asked for: no sentence of the instruction names what check-0 looks at"),
        (case(params=PARAMS | {"rows": [["Aldi", "4.75"]]}), "the solution scores 0.25"),
        (case(given={"in.csv": IN, "out/sums.csv": OUT}), "the untouched workspace scores 1"),
        (case(candidates=(candidate("demand", OUT.replace("\n", "\r\n"), False, "a/b"),)), "the mutant 'demand a/b' passes"),
        (case(candidates=(candidate("demand", OUT, False, "a/b"),)), "no other than the solution"),
        (case(candidates=(candidate("semicolons", OUT.replace(",", ";"), True),)), "the equivalent 'semicolons' scores 0"),
        (case(params=PARAMS | {"sorted": True}), "'sorted' was unexpected"),
        (case(kind="nothing"), "there is no kind 'nothing'"),
        (case(params=PARAMS | {"columns": [COLUMNS[0], COLUMNS[1] | {"type": "date"}]}), "could not be graded"),
        (case(outputs=("out/sums.csv", "out/more.txt"), steps=[*STEPS, ("write", {"path": "out/more.txt", "content": "x"}, "")]), "the mutant 'left-out' passes"),
    ],
)  # fmt: skip
def test_an_unsound_task_is_rejected_with_the_reason(made: Case, reason: str) -> None:
    assert reason in audit(made, open_box).rejected


@needs_box
def test_an_answer_that_is_the_input_is_rejected() -> None:
    params = PARAMS | {
        "columns": [COLUMNS[0], COLUMNS[1] | {"name": "amount"}],
        "rows": [["Aldi", "1.50"], ["Lidl", "2.00"], ["Aldi", "3.25"]],
    }
    steps = [("exec", {"command": "mkdir out && tac in.csv | sort -r > out/sums.csv"}, "")]
    assert "the mutant 'input-copied' passes" in audit(case(params=params, steps=steps, candidates=()), open_box).rejected


@needs_box
def test_what_speaks_against_a_verifier_is_run_again_in_a_box_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The box that all is tried in is spoilt after the solution: what fails in it only does not reject the task."""
    right, faulty = "def f(n):\n    return n + 1\n", "def f(n):\n    return n\n"
    params = {"module": "lib/m.py", "function": "f", "cases": [{"args": [1], "expect": 2}], "tests": None, "workdir": ""}
    made = case(
        params=params | {"may_change": ["lib/m.py"], "under": "lib"},
        given={"lib/m.py": faulty},
        outputs=("lib/m.py",),
        kind="code",
        steps=[("write", {"path": "lib/m.py", "content": right}, "")],
        candidates=(Candidate("x", "comment", "", True, checking.changes({"lib/m.py": right + "# so\n"})),),
    )
    refilled: list[int] = []
    opened: list[int] = []
    refill = Warm.refill

    def spoilt(warm: Warm, files: Any) -> bool:
        refilled.append(1)
        spoil = len(refilled) > 2  # the play of the solution, and its grade
        return refill(warm, [f for f in files if not (spoil and f.path == "lib/m.py")])

    @contextlib.contextmanager
    def counted(files: Any, **more: Any) -> Any:
        opened.append(1)
        with open_box(files, **more) as box:
            yield box

    monkeypatch.setattr(Warm, "refill", spoilt)
    card = audit(made, counted)
    assert len(refilled) > 2 and len(opened) > 1 and [(e.kind, e.score) for e in card.equivalents] == [("comment", 1.0)]
    assert card.rejected == ""


def test_what_a_card_is_kept_under_follows_all_its_parts() -> None:
    base = case()
    others = [
        dataclasses.replace(base, task=dataclasses.replace(base.task, digest="x")),
        dataclasses.replace(base, verifier=dataclasses.replace(base.verifier, digest="x")),
        dataclasses.replace(base, solution=dataclasses.replace(base.solution, digest="x")),
        dataclasses.replace(base, candidates=CANDIDATES[:1]),
    ]
    assert len({base.key, *(o.key for o in others)}) == 5


def test_moved_files_and_protected_inputs_have_fitting_mutants() -> None:
    task = making.task({"inbox/1.txt": "one\n", "inbox/2.txt": "two\n"}, outputs=("inbox",))
    protected = making.verifier([{"kind": "table", "params": PARAMS}], protected=[Protected("inbox/2.txt", task.workspace[1].digest)])
    outcome = checking.changes({"inbox/1.txt": None, "inbox/a/1.txt": "one\n"})
    made = list(mutants.generic(task, protected, outcome))
    assert "input-copied" not in {m.kind for m in made}  # the answer is an input by right
    assert sum(m.kind == "protected-tampered" for m in made) == 2
    assert not any(files(task, m.changes) == files(task, outcome) for m in made)


def files(task: Task, changes: tuple[Change, ...]) -> dict[str, tuple[str, str]]:
    """What is left behind but folders."""
    return {p: (e.type, e.digest) for p, e in apply_changes(task.workspace, changes).items() if e.type != "directory"}


# The share that may be rejected.
def card(rejected: str = "", operation: str = "a.b", mutant: float = 0.0) -> Scorecard:
    return Scorecard("x", 1.0, 0.0, (MutantScore("empty", "", mutant),), (), rejected, (operation,), "", "")


def test_two_in_a_hundred_are_let_pass_and_three_are_not() -> None:
    assert scorecard.excess([card()] * 98 + [card("bad", operation="c.d")] * 2, {}) == []
    assert "3 of 100 tasks" in scorecard.excess([card()] * 97 + [card("bad", operation="c.d")] * 3, {})[0]


def test_the_compilers_rejections_count_too() -> None:
    dataset = {"planned": 100, "rejected": {"ties": 2}, "rejected_operations": {"c.d": 2}}
    assert scorecard.excess([card()] * 98, dataset) == []
    assert "(2 by the compiler, 1 by the audit)" in scorecard.excess([card()] * 97 + [card("bad")], dataset)[0]


def test_one_operation_with_many_rejected_fails() -> None:
    cards = [card()] * 500 + [card(operation="c.d")] * 18 + [card("bad", operation="c.d")] * 2
    assert scorecard.excess(cards, {}) == ["2 of 20 tasks of c.d are rejected, more than 5%"]
    assert scorecard.excess([*cards[:500], *cards[502:]], {}) == []  # too few tasks to tell


# The stage.
def write(folder: Path, cases: list[Case]) -> None:
    shards.write(folder / layout.TASKS, Task, [("train", c.task) for c in cases])
    shards.write(folder / layout.VERIFIERS, Verifier, [("train", c.verifier) for c in cases])
    shards.write(folder / layout.SOLUTIONS, Solution, [("train", c.solution) for c in cases])
    shards.write(folder / layout.CANDIDATES, Candidates, [("train", Candidates(c.task.id, c.candidates)) for c in cases])
    (folder / "params.yaml").write_text("sandbox: {}\naudit: {workers: 2}\n")


def stage(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": str(ROOT), "CLAWGYM_STORE": "store.sqlite"}
    command = [sys.executable, "-m", "verifiers.audit", *options]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=env, cwd=folder)


@needs_box
def test_the_stage_writes_cards_and_figures_and_fails_on_too_many(tmp_path: Path) -> None:
    write(tmp_path, [case("0a"), case("1b")])
    done = stage(tmp_path)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "metrics/scorecard.json").read_text())
    assert (figures["shipped"], figures["rejected"], figures["mutants_passed"]) == (2, {}, 0)
    cards = list(shards.read(tmp_path / layout.SCORECARDS, Scorecard))
    assert [c.id for c in cards] == ["0a", "1b"]
    write(tmp_path, [case("0a"), case("1b", steps=STEPS[:1])])
    failed = stage(tmp_path)
    assert failed.returncode == 1
    assert "rejected 1b (ledger.total): the solution scores 0" in failed.stderr
    assert "1 of 2 tasks are rejected" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert [c.rejected != "" for c in shards.read(tmp_path / layout.SCORECARDS, Scorecard)] == [False, True]


@needs_box
def test_finished_cards_are_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path(), [case("0a")])
    store = Store(Path("store.sqlite"))
    first = module.run(1, store, open_box)
    monkeypatch.setattr(module, "audit", lambda *_: pytest.fail("audited again"))
    assert module.run(1, store, open_box) == first


@needs_box
def test_workers_of_their_own_measure_alike(tmp_path: Path) -> None:
    cases = [case(f"{n:02x}") for n in range(3)]
    found = [module.cards(cases, n, Store(tmp_path / f"{n}.sqlite"), open_box) for n in (1, 2)]
    assert found[0] == found[1] and [c.id for c in found[0]] == ["00", "01", "02"]


def test_missing_shards_are_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("sandbox: {}\naudit: {workers: 1}\n")
    done = stage(tmp_path, "--full")
    assert done.returncode == 1
    assert done.stderr == "data/full/tasks:1:1: is not there; run the stage that writes it (make full)\n"
