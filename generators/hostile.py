"""Hostile draws: a domain's entries bent so that ties, boundaries, blanks and awkward text turn up in nearly every draw."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from generators import chain, draw, misreading, rendering, workspace
from generators.chain import Bases, Step
from generators.operate import Unfit
from generators.questions import Database
from generators.relations import Relation
from generators.renderers import SITE, holding, lines, trees
from generators.scripts import Source
from specs import partners
from specs.catalogue import Operation
from specs.records import SITE_URL

AWKWARD = (
    'Müller, "Sohn" & Co.',
    "O'Brien",
    "a|b",
    "0012",
    "Élan",
    "true",
    "12.50",
    "- dash",
    "#hash: colon",
    "back\\slash",
    "semi;colon",
    "{brace}",
    "null",
    "zz, last",
    "Zz, first",
    "=1+1",
    "00123",
    "NULL",
    "<b>&amp;",
    "2026-02-03",
    "1,234",
    " leading and trailing ",
    "two\nlines",
    "שלום, עולם",
    "#N/A",
    "long " * 60 + "end",
)
POOL = 8  # awkward texts in a draw
NOISY = 0.3  # the chance of each kind of noise
BLANK = 0.3
ROWS = (8, 18)
RETRIES = 8
CHANCES = 10  # failures in a row of a family that served before


@dataclass(frozen=True)
class Trial:
    """One draw: the relations, the operation arranged over them, how each is written, and the truth's answer."""

    number: int
    domain: str
    form: str
    entries: dict[str, Any]
    bases: Bases
    step: Step
    sources: dict[str, Source]
    answer: Relation

    @property
    def main(self) -> str:
        """The name of the first input's relation."""
        return next(iter(self.step.inputs.values())).base

    def files(self) -> dict[str, bytes]:
        """The inputs as a workspace has them."""
        found: dict[str, bytes] = {}
        for name, source in self.sources.items():
            if source.form == SITE:
                continue
            style = misreading.style_of(source.noise)
            found |= rendering.files_of(self.bases[name], source.spec, source.form, source.path, f"trial-{self.number}", style)
        return found

    def pages(self) -> dict[str, bytes]:
        """The inputs that are sites, by path below what is served."""
        found: dict[str, bytes] = {}
        for name, source in self.sources.items():
            if source.form == SITE:
                found |= rendering.pages_of(self.bases[name], source.spec, source.path, f"trial-{self.number}")
        return found

    def below(self, place: str) -> Trial:
        """The trial with its sites in a folder of their own, so that many can be served at once."""
        moved = {n: _below(s, place) if s.form == SITE else s for n, s in self.sources.items()}
        return dataclasses.replace(self, sources=moved)


def _below(source: Source, place: str) -> Source:
    return dataclasses.replace(source, path=rendering.path_of("", f"{place}/{source.path.removeprefix(SITE_URL).strip('/')}", SITE))


def families(operation: Operation, domain: dict[str, Any]) -> list[dict[str, Any]]:
    """For each relation that could be the first input: the domain cut down to it and what derives from it as the operation takes."""
    relations: dict[str, dict[str, Any]] = domain["relations"]
    first, *others = operation.spec["takes"]
    found = []
    for name, spec in relations.items():
        further = [partners.of(relations, other, name) for other in others]
        unfit = chain.on_site(operation, first) and SITE not in spec["formats"]
        unfit |= chain.on_lines(operation, first) and "line" not in spec
        if partners.derived(spec) or unfit or not all(further):
            continue
        kept = {name, *partners.joined(spec).values()}.union(*further)
        found.append({**domain, "relations": {name: spec, **{n: s for n, s in relations.items() if n in kept}}})
    return found


Lost = list[tuple[str, Unfit]]  # draws that could not serve: of which domain, and why


def trials(
    db: Database, operation: Operation, domains: list[dict[str, Any]], seed: str, count: int, lost: Lost | None = None
) -> Iterator[Trial]:
    """Up to `count` draws over all families in turn. A draw that can't serve is redrawn; a family that never serves is left out.

    One that served before has some more chances. `lost` is given the draws that could not serve.
    """
    lost = [] if lost is None else lost
    every = [f for d in domains for f in families(operation, d)]
    chances = [1] * len(every)
    made = 0
    while made < count and any(chances):
        for number, family in enumerate(every):
            found = _trial(db, operation, family, seed, made, lost) if chances[number] else None
            if found is None:
                chances[number] = max(0, chances[number] - 1)
                continue
            chances[number] = CHANCES
            made += 1
            yield found
            if made == count:
                return


def _trial(db: Database, operation: Operation, family: dict[str, Any], seed: str, number: int, lost: Lost) -> Trial | None:
    main = next(iter(family["relations"]))
    form = _form(operation, family["relations"][main], number)
    for attempt in range(RETRIES):
        rng = random.Random(f"{seed}/{operation.id}/{family['name']}/{main}/{number}/{attempt}")
        awkward = [text for text in AWKWARD if form in (*rendering.TABLES, SITE) and holding.says(form, text)]
        entries = {**family, "relations": {n: bent(s, family["relations"], awkward, rng) for n, s in family["relations"].items()}}
        try:
            bases = draw.draw(entries, list(entries["relations"]), "train", str(rng.random()))
            (step,), (answer,) = chain.arrange(db, [operation], entries, bases, rng)
        except Unfit as why:
            lost.append((family["name"], why))
            continue
        sources = {}
        for name in (source.base for source in step.inputs.values()):
            spec = workspace.spec_of(entries, name)
            held = [f for f in ([form] if name == main else forms(spec)) if rendering.holds(f, bases[name], spec)]
            if held:
                own = rng.choice(held)
                sources[name] = Source(rendering.path_of("", f"in-{name}", own), own, spec, _noise(bases[name], own, rng))
        if len(sources) == len({source.base for source in step.inputs.values()}):
            return Trial(number, family["name"], form, entries, bases, step, sources, answer)
    return None


def forms(spec: dict[str, Any]) -> list[str]:
    """Formats that a relation is tried in: all that hold any columns, and those of its own that need some."""
    if "files" in spec["formats"]:
        return ["files"]
    if "tree" in spec:
        return [f for f in trees.FORMATS if f != "ini" or all("." in path for path in spec["tree"])]
    return [*rendering.TABLES, *(f for f in spec["formats"] if f not in rendering.TABLES and f not in trees.FORMATS)]


def _form(operation: Operation, spec: dict[str, Any], number: int) -> str:
    offered = ["json"] if operation.packaged else forms(spec)
    if chain.on_site(operation, next(iter(operation.spec["takes"]))):
        offered = [SITE]
    if chain.on_lines(operation, next(iter(operation.spec["takes"]))):
        offered = [f for f in offered if f in lines.FORMATS]
    return offered[number % len(offered)]


def _noise(relation: Relation, form: str, rng: random.Random) -> tuple[str, ...]:
    """Some of the kinds of noise that such a file can have."""
    kinds: list[str] = []
    for kind, places in misreading.WHERE.items():
        if form in places and rng.random() < NOISY and not misreading.clash(kind, kinds) and misreading.misread(kind, relation):
            kinds.append(kind)
    return tuple(kinds)


def bent(spec: dict[str, Any], relations: dict[str, Any], awkward: list[str], rng: random.Random) -> dict[str, Any]:
    """A relation's entry with few distinct values, more blanks, fewer rows and awkward text, where there is any."""
    if "per" in spec:
        base, _, _ = str(spec["per"]).partition(".")
        sums = _sums(relations[base], rng)
        return {**spec, "columns": {n: _limit(c, sums) for n, c in spec["columns"].items()}}
    if "columns" not in spec:
        return spec
    columns = {n: _column(c, awkward, rng) for n, c in spec["columns"].items()}
    low, high = ROWS
    return {**spec, "columns": columns, "rows": [low, high]} | ({"repeats": 3} if spec.get("repeats") else {})


def _limit(column: dict[str, Any], sums: list[str]) -> dict[str, Any]:
    return {**column, "draw": {"pick": sums}} if column["role"] == "measure" else column


def _sums(spec: dict[str, Any], rng: random.Random) -> list[str]:
    """Sums of few values of the base's measure: what a total can be exactly, so that limits are met to the cent."""
    measure = next((c for c in spec["columns"].values() if c["role"] == "measure"), None)
    if measure is None:
        return ["10", "20"]
    values = [Decimal(v) for v in _numbers(measure["draw"], rng)]
    return [str(sum(rng.choices(values, k=k), Decimal(0))) for k in (2, 3, 4, 5)]


def _column(column: dict[str, Any], awkward: list[str], rng: random.Random) -> dict[str, Any]:
    how, role = column.get("draw", {}), column["role"]
    new = dict(column)
    if "by" in how:
        new["draw"] = {**how, "of": {value: {"pick": _numbers(inner, rng)} for value, inner in how["of"].items()}}
    elif role in ("measure", "level") and "product" not in how:
        new["draw"] = {"pick": _numbers(how, rng)}
    elif role == "when" and "dates" in how:
        first = date.fromisoformat(str(how["dates"][0]))
        new["draw"] = {"pick": [first + timedelta(days=rng.randint(0, 70)) for _ in range(6)]}
    elif role == "at" and "times" in how:
        new["draw"] = {"pick": _moments(how, rng)}
    elif role == "span" and "integer" in how:
        low, high = how["integer"]
        new["draw"] = {"pick": rng.sample(range(low, high + 1, how.get("step", 1)), 2) if high > low else [low]}
    elif role in ("party", "title", "text", "place") and awkward and ("pick" in how or "weigh" in how):
        new["draw"] = {"pick": rng.sample(awkward, POOL)}
    elif role == "group" and "pick" in how:
        new["draw"] = {"weigh": {value: 1 if n == 0 else 6 for n, value in enumerate(how["pick"])}}
    if new.get("blank"):
        new["blank"] = max(float(new["blank"]), BLANK)
    return new


def _numbers(how: dict[str, Any], rng: random.Random) -> list[str]:
    """Four or five numbers as the column could have them, as text."""
    if "number" not in how:
        return [str(v) for v in how.get("pick", [1, 2, 3])]
    low, high = (Decimal(str(v)) for v in how["number"])
    step = Decimal(str(how.get("step", 1)))
    steps = int((high - low) / step)
    return [str(low + step * n) for n in rng.sample(range(steps + 1), min(steps + 1, rng.randint(4, 5)))]


def _moments(how: dict[str, Any], rng: random.Random) -> list[datetime]:
    """Nine moments on half hours of three days, so that events meet, touch and share an hour; one runs past midnight."""
    first = date.fromisoformat(str(how["times"][0])[:10])
    days = [datetime(first.year, first.month, first.day) + timedelta(days=d) for d in range(3)]
    start = how.get("hours", (9, 9))[0]
    near = [rng.choice(days) + timedelta(hours=start + rng.randint(0, 4), minutes=rng.choice((0, 30))) for _ in range(8)]
    return [*near, rng.choice(days) + timedelta(hours=23, minutes=30)]
