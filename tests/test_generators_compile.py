"""Compiling: the same bytes with any number of workers, changes that stay local, tasks that hold what they promise."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from generators import instruction, task, unpack
from generators.plan import Plan, plans, split_of
from generators.rewriting import gate
from generators.rewriting.records import Wording
from specs import catalogue, layout, records, shards
from specs.catalogue import Catalogue, Spec
from specs.errors import UserError
from specs.records import SITE_URL, Candidates, Solution, Task, Verifier

ROOT = Path(__file__).parent.parent
SHARE = 0.3


@pytest.fixture(scope="session")
def specs() -> Catalogue:
    return catalogue.load(ROOT)


def compiled(folder: Path, workers: int = 1, **environment: str) -> Path:
    """The stage run for real in a folder of its own, with a store of its own."""
    for name in ("specs", "personas", "skills", "generators", "params.yaml"):
        (folder / name).symlink_to(ROOT / name)
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    command = [sys.executable, "-m", "generators.compile", "--workers", str(workers), "--scale", "0.1"]
    done = subprocess.run(command, cwd=folder, env={**own, "PYTHONHASHSEED": "0", **environment}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return folder


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("one-worker"))


def digests_of(folder: Path) -> dict[str, str]:
    """Of all that the stage writes."""
    written = [*(folder / "data").rglob("*.parquet"), *(folder / "metrics").glob("*.json")]
    assert len(written) > 5
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(written)}


ENVIRONMENTS = {
    "two workers and another hash seed": (2, {"PYTHONHASHSEED": "4242"}),
    "another time zone and a locale that knows no umlauts": (
        1,
        {"TZ": "FAR-13:45", "LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_same_specs_give_the_same_bytes(once: Path, tmp_path: Path, name: str) -> None:
    workers, environment = ENVIRONMENTS[name]
    assert digests_of(compiled(tmp_path, workers, **environment)) == digests_of(once)


def test_all_plans_become_tasks(once: Path) -> None:
    figures = json.loads((once / "metrics/compile.json").read_text())
    assert figures["compiled"] >= 0.98 * figures["planned"] > 0


def test_the_parts_of_a_task_are_joined_by_id_alone(once: Path) -> None:
    ids = {cls: [r.id for r in shards.read(once / root, cls)] for root, cls in PARTS}
    assert len({tuple(i) for i in ids.values()}) == 1


PARTS = (
    (layout.TASKS, Task),
    (layout.VERIFIERS, Verifier),
    (layout.SOLUTIONS, Solution),
    (layout.CANDIDATES, Candidates),
    (layout.WORDINGS, Wording),
)


def test_every_demand_that_is_checked_is_among_those_that_other_words_must_keep(once: Path) -> None:
    wordings = {w.id: w for w in shards.read(once / layout.WORDINGS, Wording)}
    for found in shards.read(once / layout.CANDIDATES, Candidates):
        named = {d.name.partition("-")[2] if d.step else d.name for d in wordings[found.id].demands}
        checked = {c.demand for c in found.candidates if c.kind in ("demand", "reversed", "original-touched")}
        assert checked and checked <= named
        noise = {c.demand for c in found.candidates if c.kind == "noise"}
        assert all(any(n.startswith(f"{one}/") for n in named) for one in noise)


def test_compiled_words_pass_the_gate_for_other_words(once: Path) -> None:
    for wording in shards.read(once / layout.WORDINGS, Wording):
        assert gate.refusals(wording, gate.compiled(wording)) == []


def test_no_task_holds_its_answer(once: Path) -> None:
    """No file of a workspace is a file that the solution's outcome has to write."""
    outputs = {
        t.id: set(t.outputs)
        for t in shards.read(once / layout.TASKS, Task)
        if not {"settings", "tidy", "mending", "features"} & set(t.skills)
    }
    assert outputs
    for found in shards.read(once / layout.TASKS, Task):
        assert not outputs.get(found.id, set()) & {f.path for f in found.workspace}


def test_instructions_are_unlike(once: Path) -> None:
    instructions = [t.instruction for t in shards.read(once / layout.TASKS, Task)]
    assert len(set(instructions)) == len(instructions)


def test_each_candidate_differs_from_what_was_given(once: Path) -> None:
    """But that somebody who overlooks what is to be done to a file in its place may well leave it as it is."""
    tasks = list(shards.read(once / layout.TASKS, Task))
    given = {t.id: {f.path: f.digest for f in t.workspace} for t in tasks}
    in_place = {t.id for t in tasks if all(any(f.path == o or f.path.startswith(f"{o}/") for f in t.workspace) for o in t.outputs)}
    for found in shards.read(once / layout.CANDIDATES, Candidates):
        for candidate in found.candidates:
            if candidate.kind == "demand" and found.id in in_place:
                continue
            assert any(given[found.id].get(c.path) != c.digest for c in candidate.changes), (found.id, candidate.kind, candidate.demand)


def by_id(specs: Catalogue) -> dict[str, Plan]:
    return {p.id: p for p in plans(specs, 1.0, SHARE)}


@pytest.mark.parametrize("name", ["aaa-first", "mmm-middle", "zzz-last"])
def test_a_new_persona_changes_only_tasks_that_take_it(specs: Catalogue, name: str) -> None:
    before = by_id(specs)
    model = next(p for p in specs.personas.values() if split_of(p, SHARE) == "train")
    added = Spec(f"personas/{name}.yaml", name, {**model.value, "name": name}, "d")
    after = by_id(dataclasses.replace(specs, personas=dict(sorted({**specs.personas, name: added}.items()))))
    changed = {i for i in before if before[i] != after[i]}
    assert set(before) == set(after)
    assert all(after[i].persona == name for i in changed)
    assert len(changed) < len(before) / 4


def test_a_new_scenario_changes_no_task_of_the_persona_route(specs: Catalogue) -> None:
    before = by_id(specs)
    model = next(iter(specs.scenarios.values()))
    added = Spec("specs/scenarios/m.yaml", "mmm", {**model.value, "name": "mmm"}, "d")
    after = by_id(dataclasses.replace(specs, scenarios=dict(sorted({**specs.scenarios, "mmm": added}.items()))))
    for identity, plan in before.items():
        assert after[identity] == plan or (plan.route == "skill" and after[identity].scenario == "mmm")


def test_splits_share_no_persona_and_no_scenario(specs: Catalogue) -> None:
    found = plans(specs, 1.0, SHARE)
    for field in ("persona", "scenario"):
        used = {split: {getattr(p, field) for p in found if p.split == split} for split in ("train", "bench")}
        assert used["train"] and used["bench"] and not used["train"] & used["bench"]


def test_a_third_of_the_tasks_chain_three_operations_or_more(specs: Catalogue) -> None:
    found = plans(specs, 1.0, SHARE)
    assert sum(len(p.operations) >= 3 for p in found) >= len(found) / 3


def test_a_plan_gives_the_same_task_twice(specs: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    plan = plans(specs, 1.0, SHARE)[0]
    assert task.build(specs, plan, 7, {}) == task.build(specs, plan, 7, {})


def test_a_mutant_equal_to_the_answer_is_refused(specs: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation whose demand makes no difference gives no task."""
    monkeypatch.chdir(ROOT)
    plan = next(p for p in plans(specs, 1.0, SHARE) if p.operations == ("ledger.pick",) or "ledger.pick" in p.operations)
    skill = specs.skills["ledger"]
    pick = skill.operations["pick"]
    idle = {**pick.spec.value, "demands": {**pick.spec["demands"], "idle": {"say": ["as ever"], "mutant": {"sql": pick.spec["truth"]}}}}
    idle["say"] = [s + " {{ idle }}" for s in idle["say"]]
    mended = dataclasses.replace(pick, spec=dataclasses.replace(pick.spec, value=idle))
    broken = dataclasses.replace(
        specs,
        skills={**specs.skills, "ledger": dataclasses.replace(skill, operations={**skill.operations, "pick": mended})},
        scenarios={
            n: dataclasses.replace(s, value={k: v for k, v in s.value.items() if k != "phrases"}) for n, s in specs.scenarios.items()
        },
    )
    result = task.build(broken, plan, 7, {})
    assert isinstance(result, task.Rejected) and "makes no difference" in result.reason


def on_the_web(specs: Catalogue, operation: str, **wanted: str) -> task.Built:
    """The first task that starts at a site with that operation."""
    plan = next(p for p in plans(specs, 1.0, SHARE) if p.operations[0] == operation and all(getattr(p, k) == v for k, v in wanted.items()))
    built = task.build(specs, plan, 7, {})
    assert isinstance(built, task.Built), built
    return built


@pytest.mark.parametrize("operation", ["web.collect", "web.below", "web.latest", "web.compare", "web.listing"])
def test_a_site_is_served_and_named_and_lies_nowhere_in_the_workspace(specs: Catalogue, operation: str) -> None:
    made = on_the_web(specs, operation).task
    (service,) = made.services
    pages = {f.path: f.content for f in service.files}
    (folder,) = {p.partition("/")[0] for p in pages if "/" in p}
    assert service.kind == "site" and {"index.html", f"{folder}/index.html", f"{folder}/archive/index.html"} <= pages.keys()
    assert f"`{SITE_URL}{folder}/`" in made.instruction and f"{folder}/archive" not in made.instruction
    assert not any(f.content in pages.values() or f.path.endswith(".html") for f in made.workspace)


def test_a_changed_page_is_another_task(specs: Catalogue) -> None:
    made = on_the_web(specs, "web.collect").task
    (service,) = made.services
    altered = dataclasses.replace(service, files=(records.file_of("index.html", b"x"), *service.files[1:]))
    assert records.sealed(dataclasses.replace(made, services=(altered,))).digest != made.digest


def test_nobody_is_told_to_leave_files_alone_who_gets_none(specs: Catalogue) -> None:
    """`web.listing` and `ledger.total` read a site and what was made of it."""
    careful = next(n for n, p in specs.personas.items() if p["habits"].get("leave_originals"))
    plan = next(p for p in plans(specs, 1.0, SHARE) if p.operations == ("web.listing", "ledger.total"))
    built = task.build(specs, dataclasses.replace(plan, persona=careful), 7, {})
    assert isinstance(built, task.Built)
    assert built.verifier.protected == () and not any(s in built.task.instruction for s in instruction.ORIGINALS)


def test_unpacking_lays_a_site_beside_the_workspace(specs: Catalogue, tmp_path: Path) -> None:
    made = on_the_web(specs, "web.collect").task
    unpack.unpack(made, tmp_path / "there")
    there = {p.relative_to(tmp_path / "there" / unpack.SERVED).as_posix() for p in (tmp_path / "there" / unpack.SERVED).rglob("*.html")}
    assert there == {f.path for f in made.services[0].files}
    assert f"python -m http.server {records.SITE_PORT}" in (tmp_path / "there" / "SITE.md").read_text(encoding="utf-8")
    assert sorted(p.name for p in (tmp_path / "there").iterdir()) == sorted(["workspace", unpack.SERVED, unpack.INSTRUCTION, "SITE.md"])


def test_unpacking_gives_what_the_agent_gets(once: Path, tmp_path: Path) -> None:
    found = next(iter(shards.read(once / layout.TASKS, Task)))
    unpack.unpack(found, tmp_path / "there")
    assert (tmp_path / "there" / unpack.INSTRUCTION).read_text(encoding="utf-8").strip() == found.instruction.strip()
    given = {p.relative_to(tmp_path / "there/workspace").as_posix() for p in (tmp_path / "there/workspace").rglob("*") if p.is_file()}
    assert given == {f.path for f in found.workspace}
    assert bool(found.services) == (tmp_path / "there" / unpack.SERVED).exists()
    with pytest.raises(UserError):
        unpack.unpack(found, tmp_path / "there")
