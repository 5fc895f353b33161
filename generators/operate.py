"""Running an operation over hidden relations: binding its inputs by role, drawing its parameters, its truth and its mutants' answers."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from generators.questions import Database
from generators.relations import Column, Relation, Row, Value, in_order
from generators.statements import TruthError
from generators.views import SAMENESS, Binding
from specs.catalogue import Operation

T = TypeVar("T")


class Unfit(Exception):
    """The relations at hand can't serve the operation (no such role, too few values): plan another draw, or reject."""


class Roleless(Unfit):
    """No relation has the roles that an input takes."""


class Fruitless(Unfit):
    """The truth gives nothing on the inputs at hand, or just what it was given; `inputs` and `params` are the example."""

    def __init__(self, why: str, inputs: dict[str, Binding], params: dict[str, Any]):
        self.inputs, self.params = inputs, params
        super().__init__(why)


def first_fit(choices: Sequence[Callable[[], T]]) -> T:
    """What the first of the choices that serves gives. Raises the Unfit of the last."""
    for choose in choices[:-1]:
        with contextlib.suppress(Unfit):
            return choose()
    return choices[-1]()


def bind(operation: Operation, relations: dict[str, Relation], rng: random.Random) -> dict[str, Binding]:
    """Choose a column for each role that each input takes; a name that several inputs bind goes to a column they share.

    Raises Unfit where a relation lacks a role, or does not say which of its rows are the same and the operation needs it.
    """
    taken: dict[str, dict[str, Column]] = {name: {} for name in relations}
    for name, relation in relations.items():
        if operation.spec.get("needs", {}).get(name) == "same" and not relation.same:
            raise Roleless(f"{relation.name} does not say which of its rows are the same")
        for bound, roles in operation.spec["takes"][name].items():
            if bound in taken[name]:
                continue
            found = columns_for(relation, roles, taken[name], wants_better(operation, name, bound))
            candidates = [c for c in found if not c.joins or "parents" not in relations or c.joins == relations["parents"].root]
            if not candidates:
                raise Roleless(f"{relation.name} has no column with the role {roles}")
            partners = [n for n in relations if n != name and bound in operation.spec["takes"][n] and bound not in taken[n]]
            shared = [c for c in candidates if all(c.name in {o.name for o in relations[n].columns} for n in partners)]
            chosen = rng.choice(shared or candidates)
            taken[name][bound] = chosen
            for partner in partners if shared else []:
                taken[partner][bound] = relations[partner].columns[relations[partner].index(chosen.name)]
    return {name: Binding(relation, {b: taken[name][b] for b in operation.spec["takes"][name]}) for name, relation in relations.items()}


def wants_better(operation: Operation, name: str, bound: str) -> bool:
    """Whether the column that an input binds has to say which of its ends is the better one."""
    return bool(operation.spec.get("needs", {}).get(f"{name}.{bound}") == "better")


def columns_for(relation: Relation, roles: str | list[str], taken: dict[str, Column], better: bool = False) -> list[Column]:
    """Columns of the first role of which any is free, and says which end is better where that is asked; empty where there is none."""
    free = [c for c in relation.columns if c not in taken.values() and (c.better or not better)]
    for role in roles if isinstance(roles, list) else [roles]:
        found = [c for c in free if c.role == role]
        if found:
            return found
    return []


def draw_params(operation: Operation, inputs: dict[str, Binding], rng: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values for the operation's parameters and a neighbouring value of each. Raises Unfit where the data offers none."""
    params: dict[str, Any] = {}
    neighbours: dict[str, Any] = {}
    for name, how in operation.spec.get("params", {}).items():
        params[name], neighbours[name] = _param(how, inputs, rng, params)
    return params, neighbours


def auto_params(inputs: dict[str, Binding]) -> dict[str, Any]:
    """`$name_<bound>`: the written name of each bound column, for truths that meet names as values; `$better_<bound>`: low or high."""
    named = [(bound, column) for binding in inputs.values() for bound, column in binding.names.items()]
    return {f"name_{bound}": column.name for bound, column in named} | {f"better_{bound}": c.better for bound, c in named if c.better}


def _param(how: dict[str, Any], inputs: dict[str, Binding], rng: random.Random, known: dict[str, Any]) -> tuple[Any, Any]:
    if "integer" in how:
        low, high = how["integer"]
        value = rng.randint(low, high)
        return value, value + 1
    if "pick" in how:
        value = rng.choice(how["pick"])
        return value, rng.choice([v for v in how["pick"] if v != value])
    source = str(how.get("from") or how.get("between"))
    rows, _, bound = source.partition(".")
    values: list[Value] = [v for v in inputs[rows].relation.values(inputs[rows].names[bound].name) if v is not None]
    if "part" in how:
        values = [str(v).partition(".")[0] for v in values]
    return _occurring(values, how, rng) if "from" in how else _cut(values, how, rng, known)


def _occurring(values: list[Value], how: dict[str, Any], rng: random.Random) -> tuple[Any, Any]:
    """A value that occurs on `leaves` rows or more, yet not on all; its neighbour is another that occurs."""
    counts: dict[str, int] = {}
    for value in values:
        counts[str(value)] = counts.get(str(value), 0) + 1
    fit = sorted(v for v, n in counts.items() if how.get("leaves", 1) <= n < len(values))
    if not fit:
        raise Unfit(f"no value of {how['from']} leaves {how.get('leaves', 1)} rows")
    chosen = rng.choice(fit)
    return chosen, rng.choice(sorted(v for v in counts if v != chosen))


def _cut(values: list[Value], how: dict[str, Any], rng: random.Random, known: dict[str, Any]) -> tuple[Any, Any]:
    """A value between the ordered ones: `at: [low, high]` are shares of the rows; the neighbour is the next distinct value."""
    distinct = sorted(set(values))  # type: ignore[type-var]
    low, high = how.get("at", (0.3, 0.7))
    if len(distinct) < 4:
        raise Unfit(f"too few values of {how['between']} to cut between")
    index = min(max(1, int(len(distinct) * rng.uniform(low, high))), len(distinct) - 2)
    chosen, near = distinct[index], distinct[index + 1]
    if how.get("unit") == "day" and isinstance(chosen, datetime):
        days = sorted({v.date() for v in distinct if isinstance(v, datetime)})
        if len(days) < 2:
            raise Unfit("all on one day")
        day = rng.choice(days)
        return day, days[(days.index(day) + 1) % len(days)]
    return chosen, near


def answer(db: Database, operation: Operation, inputs: dict[str, Binding], params: dict[str, Any], sql: str | None = None) -> Relation:
    """What the truth (or `sql` in its place) yields, as a relation with the names it is written under.

    Raises TruthError where the SQL fails or yields other columns than the operation declares.
    """
    columns, rows = db.query(sql or operation.spec["truth"], inputs, {**params, **auto_params(inputs)})
    yields = operation.spec["yields"]
    main = next(iter(inputs.values()))
    if yields.get("columns") == "same":
        out, rows = _as_in(main, columns, rows)
        root, same = main.relation.root, main.relation.same if set(main.relation.same) <= {c.name for c in out} else ()
        words = (main.relation.one, main.relation.many)
    else:
        out = tuple(_named(spec, inputs, params) for spec in _declared(yields, columns))
        root, same, words = "", (), (yields.get("one", "line"), yields.get("many", "lines"))
    ordered = bool(yields.get("ordered", False))
    return Relation(operation.spec.name, *words, out, tuple(rows if ordered else in_order(rows)), ordered=ordered, root=root, same=same)


def _as_in(main: Binding, columns: list[str], rows: list[Row]) -> tuple[tuple[Column, ...], list[Row]]:
    """Columns and rows of an answer in the order of the input whose columns they are. Raises TruthError where one is not the input's."""
    view = main.view
    given = [at for at, name in enumerate(columns) if name != SAMENESS]
    if missing := [columns[at] for at in given if columns[at] not in view]:
        raise TruthError(f"yields the same columns, but the query gives {', '.join(missing)}")
    places = sorted(given, key=lambda at: view.index(columns[at]))
    return tuple(main.relation.columns[view.index(columns[at])] for at in places), [tuple([row[at] for at in places]) for row in rows]


def _declared(yields: dict[str, Any], columns: list[str]) -> list[Any]:
    declared = yields["columns"]
    if list(declared) != columns:
        raise TruthError(f"yields.columns are {', '.join(declared)}, but the query gives {', '.join(columns)}")
    return list(declared.values())


def _named(spec: Any, inputs: dict[str, Binding], params: dict[str, Any]) -> Column:
    if isinstance(spec, str):
        return _bound(spec, inputs)
    base = _bound(spec["like"], inputs) if "like" in spec else Column("", "text")
    name = spec.get("name", base.name)
    for binding in inputs.values():
        for bound, column in binding.names.items():
            name = name.replace("{{ " + bound + " }}", column.name)
    return Column(name, spec.get("role", base.role), int(spec.get("decimals", base.decimals)), spec.get("unit", base.unit), base.better)


def _bound(reference: str, inputs: dict[str, Binding]) -> Column:
    """The column behind `measure` or `other.measure`."""
    source, _, bound = reference.rpartition(".")
    for name, binding in inputs.items():
        if (not source or source == name) and bound in binding.names:
            return binding.names[bound]
    raise TruthError(f"yields.columns names {reference}, which no input binds")


def swapped(truth: str, swaps: list[str]) -> str:
    """The truth's text with each old part replaced by the new one after it. Raises TruthError where an old part does not occur."""
    for old, new in zip(swaps[::2], swaps[1::2], strict=True):
        if old not in truth:
            raise TruthError(f"swap: '{old}' does not occur in the truth")
        truth = truth.replace(old, new)
    return truth
