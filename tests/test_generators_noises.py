"""Noise and formats in a task: kinds that can be read and told, formats that hold the rows, instructions that say what a file does not."""

from __future__ import annotations

import dataclasses
import functools
import random
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import making
import pytest

from generators import chain, database, draw, hostile, instruction, legend, misreading, noises, playing, rendering, words, workspace
from generators.noises import Noise
from generators.operate import Unfit
from generators.places import Places
from generators.relations import Column, Relation
from generators.scripts import Source
from generators.workspace import Written
from sandbox.box import open_box
from sandbox.tools import call
from specs import catalogue, records
from specs.catalogue import Catalogue
from verifiers import mutants

ROOT = Path(__file__).resolve().parent.parent


@functools.cache
def specs() -> Catalogue:
    return catalogue.load(ROOT)


def test_every_kind_is_written_and_misread_where_it_may_occur() -> None:
    assert set(specs().noise) == set(misreading.MISREAD) == set(misreading.STYLES) == set(misreading.WHERE)
    for name, kind in specs().noise.items():
        assert set(kind["formats"]) <= set(misreading.WHERE[name]), name
        assert len(kind["say"]) >= 3, name


def listed() -> list[tuple[str, str, str]]:
    """(domain, relation, kind) of every kind that a domain lists."""
    return [(d.name, n, k) for d in specs().domains.values() for n, r in d["relations"].items() for k in r.get("noise", [])]


@pytest.mark.parametrize("kind", sorted({k for _, _, k in listed()}))
def test_a_kind_is_told_in_whole_words_wherever_a_domain_lists_it(kind: str) -> None:
    for domain, name, _ in (entry for entry in listed() if entry[2] == kind):
        drawn = draw.draw(specs().domains[domain].value, [name], "train", "s")[name]
        written = Written({}, {name: Source(f"papers/{name}.csv", "csv", {}, (kind,))})
        for number in range(8):
            text = instruction._noise(specs(), Noise(name, kind, ()), drawn, written, False, random.Random(number))
            assert f"`papers/{name}.csv`" in text
            assert text[0] in f"`{text[0].upper()}"
            assert text.endswith(".")
            assert "  " not in text
            assert "the  " not in text and " ," not in text
            assert words.NOTHING not in text


def test_every_kind_listed_makes_a_difference_to_somebody() -> None:
    """A kind that no draw of the relation can have is a line of YAML that does nothing."""
    for domain, name, kind in listed():
        entry = specs().domains[domain].value
        drawn = [draw.draw(entry, [name], "train", f"s{n}")[name] for n in range(4)]
        assert any(misreading.misread(kind, d) for d in drawn), (domain, name, kind)


def chosen(seed: int) -> tuple[list[Noise], Sequence[Relation]]:
    """Noise of the expenses' file where they are added up by a group, and what that yields."""
    domain = specs().domains["expenses"].value
    rng = random.Random(seed)
    bases = draw.draw(domain, list(domain["relations"]), "train", str(seed))
    offered = {"expenses": [specs().noise[k] for k in domain["relations"]["expenses"]["noise"]]}
    with database.connect() as db:
        steps, answers = chain.arrange(db, [specs().operation("ledger.total")], domain, bases, rng)
        return noises.choose(db, steps, bases, answers, offered, rng), answers


def test_noise_is_kept_only_where_overlooking_it_gives_another_answer() -> None:
    found: set[str] = set()
    for seed in range(40):
        kept, answers = chosen(seed)
        kinds = [n.kind for n in kept]
        found |= set(kinds)
        assert len(kinds) <= max(noises.KINDS)
        assert not any(misreading.clash(k, kinds[:i]) for i, k in enumerate(kinds))
        for noise in kept:
            assert any(a.content != b.content for a, b in zip(noise.answers, answers, strict=True))
    assert {"unit-suffix", "decimal-comma", "struck-rows"} <= found
    assert not {"day-first", "long-dates", "mixed-capitals", "comment-lines"} & found, "a total by group has no dates and no states"


def relation(**changes: Any) -> Relation:
    row = {"id": "m1", "sender": "Ada", "subject": "Hello", "sent": datetime(2026, 1, 2, 3, 4), "body": "Hi", **changes}
    roles = {"id": "key", "sender": "party", "subject": "title", "sent": "at", "body": "text"}
    return Relation("mails", "mail", "mails", tuple(Column(n, r) for n, r in roles.items()), (tuple(row.values()),))


def forms_of(formats: list[str], base: Relation, twin: Relation) -> set[str]:
    domain = {"relations": {"mails": {"formats": formats}}}
    return {workspace.forms(domain, {"mails": base}, {"mails": twin}, ["mails"], [], random.Random(n))["mails"] for n in range(20)}


def test_a_format_that_would_lose_a_value_is_not_chosen() -> None:
    offered = ["csv", "json", "md", "mbox", "eml", "xlsx"]
    assert forms_of(offered, relation(), relation()) == set(offered)
    assert forms_of(offered, relation(subject=None), relation()) == {"csv", "json", "md", "xlsx"}
    assert forms_of(offered, relation(), relation(subject=" blank before")) == {"csv", "json", "xlsx"}, (
        "its twin is written in the same format"
    )
    assert forms_of(offered, relation(subject=""), relation()) == {"json"}
    with pytest.raises(Unfit):
        forms_of(["mbox", "md"], relation(subject=""), relation())


def test_hostile_draws_take_part_in_all_formats_and_kinds() -> None:
    domains = [d.value for d in specs().domains.values()]
    operations = ("ledger.total", "ledger.pick", "reconcile.missing", "settings.compare", "mailbox.from")
    with database.connect() as db:
        made = [t for o in operations for t in hostile.trials(db, specs().operation(o), domains, "s", 60)]
    sources = [s for t in made for s in t.sources.values()]
    assert {*rendering.TABLES, "eml", "mbox", "ini", "toml"} <= {s.form for s in sources}
    assert {k for s in sources for k in s.noise} >= set(misreading.WHERE) - {"thousands"}, "few relations have numbers past a thousand"
    assert all(s.form in misreading.WHERE[k] for s in sources for k in s.noise)
    for trial in made:
        for name, source in trial.sources.items():
            assert rendering.holds(source.form, trial.bases[name], source.spec)
        assert trial.files() == trial.files()


def test_a_sentence_that_would_have_to_name_several_columns_is_not_needed() -> None:
    key, state, measure = Column("ref", "key"), Column("status", "state"), Column("fee", "measure", 2, "EUR")
    row = ("a", "open", Decimal("1234.5"), "paid", Decimal(3))
    several = Relation("r", "row", "rows", (key, state, measure, Column("mark", "state"), Column("tip", "measure", 2, "EUR")), (row, row))
    assert misreading.misread("unit-suffix", several) is None
    assert misreading.misread("mixed-capitals", several) is None
    single = dataclasses.replace(several, columns=several.columns[:3], rows=(row[:3], row[:3]))
    assert {"unit-suffix", "mixed-capitals", "thousands"} <= {k for n in range(60) for k in hostile._noise(single, "csv", random.Random(n))}


def test_the_legend_says_what_a_file_does_not() -> None:
    every = {"id", "subject"}
    said = legend.legend(relation(), Source("box/mails", "eml", {}), every, 0)
    assert "`box/mails/`" in said and "`subject` is the Subject" in said
    settings = Relation("s", "setting", "settings", (Column("path", "path"), Column("value", "value")), (("a.b", "1"),))
    for number in range(len(legend.SETTINGS)):
        said = legend.legend(settings, Source("box/a.ini", "ini", {}), every, number)
        assert "`box/a.ini`" in said and "true" in said and "text" in said and "dot" in said
    for form in ("xml", "html", "txt", "sqlite", "xlsx"):
        assert legend.legend(relation(), Source(f"a.{form}", form, {}), every, 0) == "", "it names its columns itself"


def test_folders_of_mails_lie_in_a_folder() -> None:
    places = Places({"folder": "box", "out": "out"})
    path = places.input("mails", "eml")
    assert path == "box/mails"
    assert set(rendering.files_of(relation(), {}, "eml", path, "s")) == {"box/mails/m1.eml"}


def test_an_agent_looks_into_binary_files_with_what_the_box_has() -> None:
    """`read` says that they are no text, and the solution's own look at them works in a box."""
    table = Relation("r", "row", "rows", (Column("ref", "key"), Column("n", "measure", 2)), (("EX-1", Decimal("12.5")), ("EX-2", None)))
    files = {f"x.{form}": rendering.content_of(table, {}, form, "s") for form in playing.PEEKS}
    written = Written(files, {})
    with open_box([records.file_of(p, c) for p, c in files.items()]) as box:
        for form in playing.PEEKS:
            path = f"x.{form}"
            assert call(box, "read", {"path": path}) == f"error: {path} is not UTF-8 text; look at it with exec"
            turn = playing._look(Source(path, form, {}), written, random.Random(1))
            seen = call(box, turn.tool, turn.arguments)
            assert "EX-1" in seen and "12.5" in seen and "Error" not in seen
        unchanged = {p: box.read(p) for p in files}
    assert unchanged == files, "looking leaves them as they are"


def test_generic_mutants_are_made_of_binary_inputs_too() -> None:
    table = Relation("r", "row", "rows", (Column("ref", "key"), Column("n", "measure", 2)), (("EX-1", Decimal("12.5")), ("EX-2", None)))
    files = [records.file_of(f"x.{form}", rendering.content_of(table, {}, form, "s")) for form in ("sqlite", "xlsx")]
    task = dataclasses.replace(making.task({}), workspace=tuple(files))
    found = list(mutants.generic(task, making.verifier([]), [records.change_of("out.csv", b"ref,n\nEX-1,12.5\n")]))
    copied = [m for m in found if m.kind == "input-copied"]
    assert {m.changes[0].content for m in copied} == {f.content for f in files}
    shortened = next(m for m in found if m.kind == "inputs-shortened")
    assert all(c.content != f.content for c in shortened.changes for f in files)
