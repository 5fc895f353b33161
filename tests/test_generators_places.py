"""Where files lie: names and layouts as the persona keeps them, no two paths alike, nothing inside what is moved as a whole."""

from __future__ import annotations

import functools
import random
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators import task
from generators.places import KINDS, Places, filing, named
from generators.plan import Plan, plans
from generators.relations import Column, Relation
from generators.renderers import EXTENSIONS
from generators.task import Built
from sandbox import tools
from sandbox.box import open_box
from specs import catalogue
from specs.catalogue import Catalogue, Spec
from verifiers.grade import grade

ROOT = Path(__file__).parent.parent
NAMINGS = ("kebab", "snake", "title", "spaces", "lower-nospace")
LAYOUTS = ("flat", "by-topic", "by-kind", "by-year")
needs_box = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")


def habits(**more: str) -> dict[str, Any]:
    return {"folder": "choir", "out": "choir/for-me", "formats": ["csv"], **more}


@pytest.mark.parametrize(
    ("naming", "name"),
    [("kebab", "paid-out"), ("snake", "paid_out"), ("title", "Paid-Out"), ("spaces", "Paid out"), ("lower-nospace", "paidout")],
)
def test_names(naming: str, name: str) -> None:
    assert {named(stem, naming) for stem in ("paid-out", "paid_out", "paid out")} == {name}


@pytest.mark.parametrize(
    ("layout", "naming", "path"),
    [
        ("flat", "kebab", "choir/paid-out.csv"),
        ("by-topic", "kebab", "choir/bank-lines/paid-out.csv"),
        ("by-topic", "spaces", "choir/Bank lines/Paid out.csv"),
        ("by-kind", "title", "choir/Sheets/Paid-Out.csv"),
        ("by-year", "snake", "choir/2026/paid_out.csv"),
    ],
)
def test_layouts(layout: str, naming: str, path: str) -> None:
    assert Places(habits(layout=layout, naming=naming)).input("paid-out", "csv", "bank-lines", "2026") == path


@pytest.mark.parametrize("layout", ["by-topic", "by-year"])
def test_what_has_no_topic_or_year_lies_in_the_folder(layout: str) -> None:
    assert Places(habits(layout=layout)).input("rates", "json") == "choir/rates.json"


def test_a_second_file_of_a_name_is_numbered_as_names_are_written() -> None:
    for naming, path in (("spaces", "choir/Paid out 2.csv"), ("lower-nospace", "choir/paidout2.csv"), ("snake", "choir/paid_out_2.csv")):
        places = Places(habits(naming=naming))
        assert [places.input("paid-out", "csv") for _ in range(2)][1] == path


def test_a_twin_lies_in_the_same_drawer() -> None:
    for seed in range(12):
        places = Places(habits(layout="by-topic"))
        own = places.input("paid-out", "csv", "expenses")
        twin = places.decoy("paid-out", "csv", random.Random(seed), "expenses")
        assert twin != own and twin.startswith("choir/expenses/")


STEMS = st.sampled_from(["papers", "archive", "old", "for-me", "mail", "notes", "paid-out", "data", "papers-old"])
ASKED = st.tuples(
    st.sampled_from(["input", "decoy", "output", "folder"]),
    STEMS,
    st.sampled_from(["csv", "md", "mbox", "log", "json", "files"]),
    st.sampled_from(["", "papers", "archive", "for-me", "notes"]),
    st.sampled_from(["", "2025", "2026"]),
    st.integers(0, 5),
)


@given(
    st.lists(ASKED, max_size=14),
    st.sampled_from(NAMINGS),
    st.sampled_from(LAYOUTS),
    st.sampled_from(["choir/for-me", "for-me", "choir/old"]),
)
def test_no_two_paths_meet(asked: list[tuple[str, str, str, str, str, int]], naming: str, layout: str, out: str) -> None:
    """Also where letter case doesn't count; what is a folder as a whole holds nothing else, results least of all."""
    places = Places(habits(naming=naming, layout=layout, out=out))
    paths: list[str] = []
    whole: list[str] = []
    for what, stem, form, topic, year, seed in asked:
        calls: dict[str, Callable[[], str]] = {
            "input": functools.partial(places.input, stem, form, topic, year),
            "decoy": functools.partial(places.decoy, stem, form, random.Random(seed), topic, year),
            "output": functools.partial(places.output, stem, "csv"),
            "folder": functools.partial(places.folder, stem),
        }
        path = calls[what]().lower()
        assert path.startswith(out.lower() + "/" if what == "output" else "choir/")
        paths.append(path)
        if what == "folder" or (what != "output" and form == "files"):
            whole.append(path)
    assert len(set(paths)) == len(paths)
    for folder in whole:
        assert not [p for p in (*paths, f"{out}/later.csv".lower()) if p.startswith(f"{folder}/")]


def relation(name: str, *days: date | None) -> Relation:
    return Relation(name, "one", "many", (Column("no", "key"), Column("day", "when")), tuple((f"N{i}", d) for i, d in enumerate(days)))


def test_what_a_file_is_filed_under() -> None:
    """What derives from a relation lies with it and goes by its year; a folder of files is a topic of its own."""
    domain: dict[str, Any] = {
        "relations": {
            "hires": {},
            "hall-list": {"like": "hires"},
            "late": {"changes": "hall-list"},
            "purses": {"per": "hires.purpose"},
            "papers": {"folder": "inbox"},
            "post-book": {"like": "papers"},
            "settings": {"tree": {}},
        }
    }
    bases = {
        "hires": relation("hires", date(2025, 12, 30), None, date(2026, 1, 4)),
        "hall-list": relation("hall-list", date(2024, 1, 1)),
        "papers": relation("papers", date(2023, 5, 1)),
        "settings": Relation("settings", "one", "many", (Column("path", "path"), Column("value", "value")), (("a.b", "1"),)),
    }
    for name in ("hires", "hall-list", "late", "purses"):
        assert filing(domain, bases, name) == ("hires", "2026")
    assert filing(domain, bases, "papers") == filing(domain, bases, "post-book") == ("", "2023")
    assert filing(domain, bases, "settings") == ("settings", "")
    assert filing(domain, {"hires": relation("hires", None)}, "purses") == ("hires", "")


def test_each_format_is_some_kind_of_paper() -> None:
    drawers = {form: Places(habits(layout="by-kind")).input("x", form).split("/")[1] for form in EXTENSIONS}
    assert set(drawers.values()) == {*KINDS.values(), "data"}
    assert drawers["minutes"] == drawers["md"] == "notes" and drawers["yaml"] == drawers["json"] == "data"


@functools.cache
def specs() -> Catalogue:
    return catalogue.load(ROOT)


def built(plan: Plan, **changed: str) -> Built:
    """The task of a plan whose persona has these habits instead."""
    found = specs()
    persona = found.personas[plan.persona]
    value = {**persona.value, "habits": {**persona["habits"], **changed}}
    personas = {**found.personas, persona.name: Spec(persona.path, persona.name, value, "d")}
    made = task.build(Catalogue(**{**vars(found), "personas": personas}), plan, 7, {})
    assert isinstance(made, Built), made
    return made


def plan_of(kind: str) -> Plan:
    """A plan in which some operation yields this kind of artifact."""
    found = specs()
    return next(p for p in plans(found, 1.0, 0.3) if any(found.operation(o).spec["yields"]["as"] == kind for o in p.operations))


@pytest.mark.parametrize("layout", LAYOUTS[1:])
def test_a_layout_shows_in_paths_only(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    plan = plan_of("message")
    flat, laid = built(plan, layout="flat").task, built(plan, layout=layout).task

    def contents(made: Any) -> list[tuple[str, str]]:
        return sorted((PurePosixPath(f.path).name, f.digest) for f in made.workspace)

    assert contents(flat) == contents(laid)
    assert {f.path for f in flat.workspace} != {f.path for f in laid.workspace}
    assert flat.outputs == laid.outputs


@needs_box
@pytest.mark.parametrize("kind", ["table", "message", "calendar", "tree", "files", "cited", "code", "tests"])
def test_names_with_blanks_reach_every_command(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command of the solution succeeds, and what it leaves gets full marks; here the folders have blanks as well."""
    monkeypatch.chdir(ROOT)
    made = built(plan_of(kind), naming="spaces", layout="by-topic", folder="My papers", out="For me")
    assert all(" " in path for path in made.task.outputs)
    with open_box(made.task.workspace, services=made.task.services) as box:
        failed, seen = [], ""
        for step in made.solution.steps:
            if step.tool == "exec":
                result = box.exec(step.arguments["command"], workdir=step.arguments.get("workdir", "."))
                failed += [step.arguments["command"]] if result.status else []
                seen = result.output
            elif step.tool:
                tools.call(box, step.tool, step.arguments)
        changes = tuple(box.snapshot())
    assert [command for command in failed if "unittest" not in command] == []
    assert seen.strip() and "No such file" not in seen  # the last command shows what was written
    assert grade(made.task, made.verifier, changes, open_box).score == 1.0
