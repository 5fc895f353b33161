"""Operations against the taxonomy, the templates, their own files, and themselves: SQL, mutants, sayings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from specs import hints, partners, queries, sayings, skill_files
from specs.corpus import Corpus, Entry
from specs.errors import Problem
from specs.located import Steps
from specs.yields import PACKAGED

CODE_WORDS = ("package", "module")
COLUMN_PARTS = ("name", "unit", "best", "worst")
INPUT_PARTS = ("file", "one", "many", "phrase")
BOUND_NAME = re.compile(r"\{\{ (\w+) \}\}")


def check(corpus: Corpus, entry: Entry) -> Iterator[Problem]:
    """All problems of one skill's operations."""
    skill = entry.value.get("skill")
    if skill is not None and skill != entry.name:
        yield entry.problem(("skill",), f"'{skill}' is not the folder's name", f"write {entry.name}")
    yield from skill_files.check_skill(corpus.root, entry)
    seen: set[str] = set()
    for i, operation in enumerate(entry.value.get("operations", [])):
        name = operation.get("name")
        if name in seen:
            yield entry.problem(("operations", i, "name"), f"a second operation called '{name}'")
        seen |= {name}
        yield from _operation(corpus, entry, ("operations", i), operation)


def words(operation: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """The words at hand in an operation's sayings and skeletons, with the parts of each."""
    known = {**dict.fromkeys(_bound(operation), COLUMN_PARTS), **dict.fromkeys(operation.get("params", {}), ())}
    known |= dict.fromkeys(operation.get("takes", {}), INPUT_PARTS)
    kind = operation.get("yields", {}).get("as")
    own = CODE_WORDS if kind in PACKAGED else ()
    own = (*own, "symptom") if kind == "code" and "lacks" not in operation else own
    return {
        **known,
        **dict.fromkeys(("out", "kept", "source", "next", *own), ()),
        **({"same": ()} if "same" in operation.get("needs", {}).values() else {}),
    }


def skeletons(entry: Entry, steps: Steps, texts: list[str], operation: dict[str, Any]) -> Iterator[Problem]:
    """Problems of skeletons of the operation, its own or a scenario's; a demand's name stands for it even where a word has it."""
    demands = operation.get("demands", {})
    if demands:
        yield from sayings.check_skeletons(entry, steps, texts, words(operation), {d: d for d in demands})


def _bound(operation: dict[str, Any]) -> set[str]:
    return {name for binds in operation.get("takes", {}).values() for name in binds}


def _operation(corpus: Corpus, entry: Entry, steps: Steps, operation: dict[str, Any]) -> Iterator[Problem]:
    rows = corpus.taxonomy("atomic")
    atomic = operation.get("atomic")
    if rows is not None and atomic is not None and atomic not in rows:
        yield entry.problem((*steps, "atomic"), f"'{atomic}' is no row of `atomic` in the taxonomy", hints.among(atomic, rows))
    if "takes" not in operation:
        return
    yield from _inputs(entry, steps, operation)
    yield from _params(entry, steps, operation)
    yield from _yields(corpus, entry, steps, operation)
    yield from _truth(entry, steps, operation)
    yield from _demands(entry, steps, operation)
    yield from skeletons(entry, (*steps, "say"), operation.get("say", []), operation)
    yield from skill_files.check_operation(corpus.root, entry, steps, operation)


def _inputs(entry: Entry, steps: Steps, operation: dict[str, Any]) -> Iterator[Problem]:
    for name in list(operation["takes"])[1:]:
        if name not in partners.WAYS:
            yield entry.problem(
                (*steps, "takes", name), f"'{name}' is no further input", f"it is one of {', '.join(partners.WAYS)}", key=True
            )
    for name in operation.get("needs", {}):
        source, _, bound = name.partition(".")
        if source not in operation["takes"]:
            yield entry.problem((*steps, "needs", name), f"unknown input '{source}'", hints.among(source, operation["takes"]), key=True)
        elif bound and bound not in operation["takes"][source]:
            known = operation["takes"][source]
            yield entry.problem((*steps, "needs", name), f"'{bound}' is not bound by {source}", hints.among(bound, known), key=True)


def _params(entry: Entry, steps: Steps, operation: dict[str, Any]) -> Iterator[Problem]:
    for name, how in operation.get("params", {}).items():
        place = (*steps, "params", name)
        for way in ("from", "between"):
            if way in how:
                yield from _reference(entry, (*place, way), how[way], operation)
        for way in ("integer", "at"):
            if way in how and how[way][0] > how[way][1]:
                yield entry.problem((*place, way), "the lowest is higher than the highest", "swap them")
        if name in _bound(operation) or name in operation["takes"]:
            yield entry.problem(place, f"'{name}' is a parameter and an input's word", "give one of them another name", key=True)


def _reference(entry: Entry, steps: Steps, reference: str, operation: dict[str, Any]) -> Iterator[Problem]:
    """`rows.state`, or a bare `state`."""
    source, _, bound = reference.rpartition(".")
    takes = operation["takes"]
    if source and source not in takes:
        yield entry.problem(steps, f"unknown input '{source}'", hints.among(source, takes))
        return
    known = takes[source] if source else _bound(operation)
    if bound not in known:
        yield entry.problem(steps, f"'{bound}' is not bound by {source or 'any input'}", hints.among(bound, sorted(known)))


def _yields(corpus: Corpus, entry: Entry, steps: Steps, operation: dict[str, Any]) -> Iterator[Problem]:
    yields, place = operation.get("yields", {}), (*steps, "yields")
    fitting = {t.value.get("fits") for t in corpus.all("template").values()}
    if "as" in yields and yields["as"] not in fitting:
        yield entry.problem(
            (*place, "as"), f"no template fits '{yields['as']}'", hints.among(yields["as"], sorted(f for f in fitting if f))
        )
    yield from sayings.check_all(entry, (*place, "called"), yields.get("called", []), {"one": (), "many": ()})
    columns = yields.get("columns")
    if isinstance(columns, dict):
        for name, how in columns.items():
            like = how if isinstance(how, str) else how.get("like")
            if like is not None:
                yield from _reference(entry, (*place, "columns", name, *(() if isinstance(how, str) else ("like",))), like, operation)
            for word in BOUND_NAME.findall(how.get("name", "") if isinstance(how, dict) else ""):
                if word not in _bound(operation):
                    known = sorted(_bound(operation))
                    yield entry.problem((*place, "columns", name, "name"), f"'{word}' is not bound by any input", hints.among(word, known))


def _truth(entry: Entry, steps: Steps, operation: dict[str, Any]) -> Iterator[Problem]:
    if "truth" not in operation:
        return
    place = (*steps, "truth")
    query = queries.parse(operation["truth"])
    if isinstance(query, str):
        yield entry.problem(place, query)
        return
    yield from _query(entry, place, operation["truth"], operation)
    yields, selected = operation.get("yields", {}), queries.selects(query)
    if yields.get("ordered") and not queries.ordered(query):
        yield entry.problem((*steps, "yields", "ordered"), "the truth says no order", "add ORDER BY, or remove `ordered`", key=True)
    if selected is None:
        return
    columns = yields.get("columns")
    if isinstance(columns, dict) and list(columns) != selected:
        yield entry.problem((*steps, "yields", "columns"), f"are {', '.join(columns)}, but the truth selects {', '.join(selected)}")
    for label, column in yields.get("facts", {}).items():
        if column not in selected:
            yield entry.problem((*steps, "yields", "facts", label), f"the truth has no column '{column}'", hints.among(column, selected))


def _query(entry: Entry, steps: Steps, sql: str, operation: dict[str, Any]) -> Iterator[Problem]:
    """Problems of any SQL of the operation: it parses, its views are inputs, its parameters are there."""
    query = queries.parse(sql)
    if isinstance(query, str):
        yield entry.problem(steps, query)
        return
    for view in dict.fromkeys(queries.views(query)):
        if view not in operation["takes"]:
            yield entry.problem(steps, f"unknown view '{view}'", hints.among(view, operation["takes"]))
    told = sorted(place.partition(".")[2] for place, what in operation.get("needs", {}).items() if what == "better")
    known = [*operation.get("params", {}), *(f"name_{b}" for b in sorted(_bound(operation))), *(f"better_{b}" for b in told)]
    for name in dict.fromkeys(queries.params(query)):
        if name not in known:
            yield entry.problem(steps, f"unknown parameter '${name}'", hints.among(name, known))


def _demands(entry: Entry, steps: Steps, operation: dict[str, Any]) -> Iterator[Problem]:
    known = words(operation)
    for name, demand in operation.get("demands", {}).items():
        place = (*steps, "demands", name)
        yield from sayings.check_all(entry, (*place, "say"), demand.get("say", []), known)
        witness = demand.get("witness", {})
        for where, sql in ({(): witness} if isinstance(witness, str) else {(n,): s for n, s in witness.items()}).items():
            yield from _query(entry, (*place, "witness", *where), sql, operation)
            if where and where[0] not in operation["takes"]:
                yield entry.problem(
                    (*place, "witness", *where), f"unknown input '{where[0]}'", hints.among(where[0], operation["takes"]), key=True
                )
        yield from _mutant(entry, (*place, "mutant"), demand.get("mutant", {}), operation)


def _mutant(entry: Entry, steps: Steps, mutant: dict[str, Any], operation: dict[str, Any]) -> Iterator[Problem]:
    known = {
        "param": list(operation.get("params", {})),
        "input": list(operation["takes"]),
        "fault": [f["name"] for f in operation.get("faults", []) if "name" in f],
    }
    for way, names in known.items():
        if way in mutant and mutant[way] not in names:
            yield entry.problem((*steps, way), f"unknown {way} '{mutant[way]}'", hints.among(mutant[way], names))
    if "sql" in mutant:
        yield from _query(entry, (*steps, "sql"), mutant["sql"], operation)
    if "swap" in mutant and "truth" in operation:
        yield from _swap(entry, (*steps, "swap"), mutant["swap"], operation)


def _swap(entry: Entry, steps: Steps, swaps: list[str], operation: dict[str, Any]) -> Iterator[Problem]:
    if len(swaps) % 2:
        yield entry.problem(steps, "an old part without a new one", "write pairs: old, new, old, new")
        return
    text = operation["truth"]
    for i in range(0, len(swaps), 2):
        if swaps[i] not in text:
            yield entry.problem((*steps, i), f"'{swaps[i]}' does not occur in the truth", hints.part(swaps[i], text))
            return
        text = text.replace(swaps[i], swaps[i + 1])
    if not isinstance(queries.parse(operation["truth"]), str):
        already = {p.what for p in _query(entry, steps, operation["truth"], operation)}
        yield from (p for p in _query(entry, steps, text, operation) if p.what not in already)
        if " ".join(text.split()) == " ".join(operation["truth"].split()):
            yield entry.problem(steps, "changes nothing")
