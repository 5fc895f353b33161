"""Domains against the taxonomy, the kinds of noise, and themselves: relations that refer to one another, draws that can be drawn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from specs import columns, dependencies, forms, hints
from specs.corpus import Corpus, Entry
from specs.errors import Problem
from specs.located import Steps


def check(corpus: Corpus, entry: Entry) -> Iterator[Problem]:
    """All problems of one domain."""
    circles = corpus.taxonomy("circles")
    for i, owner in enumerate(entry.value.get("owners", [])):
        if circles is not None and owner not in circles:
            yield entry.problem(("owners", i), f"unknown circle '{owner}'", hints.among(owner, circles))
    relations = entry.value.get("relations", {})
    for name, spec in relations.items():
        steps: Steps = ("relations", name)
        yield from _references(entry, steps, spec, relations)
        own = columns.of(relations, name)
        yield from _named_columns(entry, steps, spec, own)
        yield from _noise(corpus, entry, steps, spec, own)
        yield from forms.check(entry, steps, spec, own)
        for column, how in spec.get("columns", {}).items():
            if column == spec.get("per", "").partition(".")[2]:
                continue
            yield from _column(entry, (*steps, "columns", column), how, spec)
        yield from dependencies.check(entry, steps, spec, relations)
        yield from _tree(entry, (*steps, "tree"), spec.get("tree", {}))


def _references(entry: Entry, steps: Steps, spec: dict[str, Any], relations: dict[str, Any]) -> Iterator[Problem]:
    for how in ("per", "like", "changes"):
        if how not in spec:
            continue
        base, _, column = spec[how].partition(".")
        if base not in relations or base == steps[-1]:
            others = [r for r in relations if r != steps[-1]]
            yield entry.problem((*steps, how), f"unknown relation '{base}'", hints.among(base, others))
            continue
        if {"per", "like", "changes"} & set(relations[base]):
            yield entry.problem(
                (*steps, how), f"'{base}' is itself derived from another relation", "name the relation that it is derived from"
            )
            continue
        yield from {"per": _per, "like": _like, "changes": _changes}[how](entry, steps, spec, relations, base, column)


def _per(entry: Entry, steps: Steps, spec: dict[str, Any], relations: dict[str, Any], base: str, column: str) -> Iterator[Problem]:
    known = columns.of(relations, base)
    if known is not None and column not in known:
        yield entry.problem((*steps, "per"), f"'{base}' has no column '{column}'", hints.among(column, known))
    own = spec.get("columns")
    if own is not None and column not in own:
        yield entry.problem(
            (*steps, "columns"), f"lacks the column '{column}' of `per`", f"add {column}: {{role: {(known or {}).get(column) or 'group'}}}"
        )
    elif own is not None and known and own[column].get("role") not in (None, known.get(column)):
        yield entry.problem((*steps, "columns", column, "role"), f"'{column}' has the role {known.get(column)} in '{base}'")


def _like(entry: Entry, steps: Steps, spec: dict[str, Any], relations: dict[str, Any], base: str, _: str) -> Iterator[Problem]:
    known = columns.of(relations, base)
    if known is None:
        return
    for i, column in enumerate(spec.get("keep", [])):
        if column not in known:
            yield entry.problem((*steps, "keep", i), f"'{base}' has no column '{column}'", hints.among(column, known))
    keys = [n for n, role in known.items() if role in ("key", "path")]
    if "keep" in spec and keys and not set(keys) & set(spec["keep"]):
        yield entry.problem((*steps, "keep"), "leaves out the key, by which rows meet", f"add {keys[0]}")
    if not keys:
        yield entry.problem((*steps, "like"), f"'{base}' has no key, by which rows meet")
    changed = spec.get("differs", {}).get("changed")
    kept = [c for c in known if c in spec.get("keep", known)]
    if isinstance(changed, dict):
        for column in changed:
            if column not in kept:
                yield entry.problem(
                    (*steps, "differs", "changed", column), f"unknown column '{column}'", hints.among(column, kept), key=True
                )
            elif column in keys:
                yield entry.problem((*steps, "differs", "changed", column), "the key can't differ: rows meet by it", key=True)
    elif changed is not None and "tree" not in relations[base]:
        yield entry.problem((*steps, "differs", "changed"), "a number goes only with a tree", "say which columns: {amount: 3}")
    yield from _adds(entry, (*steps, "differs"), spec.get("differs", {}), relations[base])


def _adds(entry: Entry, steps: Steps, differs: dict[str, Any], base: dict[str, Any]) -> Iterator[Problem]:
    """Settings of a copy's own: only a tree has them, under paths that the other has not."""
    tree, adds = base.get("tree", {}), differs.get("adds", {})
    if adds and not tree:
        yield entry.problem((*steps, "adds"), "only a copy of a tree has settings of its own", "use extra: 2", key=True)
    for path in adds:
        met = [other for other in tree if f"{other}.".startswith(f"{path}.") or path.startswith(f"{other}.")]
        if met:
            yield entry.problem((*steps, "adds", path), f"the other has '{met[0]}'", "give it another name", key=True)
    if tree:
        yield from _tree(entry, (*steps, "adds"), adds)
        if "extra" in differs:
            yield entry.problem((*steps, "extra"), "a setting can't be made up", "name settings of its own in `adds`", key=True)


def _changes(entry: Entry, steps: Steps, spec: dict[str, Any], relations: dict[str, Any], base: str, _: str) -> Iterator[Problem]:
    known = columns.of(relations, base)
    if "tree" in relations[base]:
        if "touches" in spec:
            yield entry.problem((*steps, "touches"), "changes to a tree are about its settings", "remove `touches`", key=True)
        return
    if known is None:
        return
    if "touches" not in spec:
        yield entry.problem(steps, "lacks 'touches'", f"the columns of '{base}' that the changes are about: its measure, its state")
    for role in ("measure", "state"):
        found = [n for n, r in known.items() if r == role]
        if len(found) != 1 and entry.whole:
            has = ", ".join(found) or "none"
            yield entry.problem((*steps, "changes"), f"'{base}' must have exactly one {role} column for changes to it, and has {has}")
    for i, column in enumerate(spec.get("touches", [])):
        if column not in known:
            yield entry.problem((*steps, "touches", i), f"'{base}' has no column '{column}'", hints.among(column, known))
        elif known[column] not in ("measure", "state", ""):
            yield entry.problem(
                (*steps, "touches", i), f"'{column}' has the role {known[column]}; changes are about the measure and the state"
            )


def _named_columns(entry: Entry, steps: Steps, spec: dict[str, Any], own: columns.Columns | None) -> Iterator[Problem]:
    if own is None:
        return
    for i, column in enumerate(spec.get("unique", [])):
        if column not in own:
            yield entry.problem((*steps, "unique", i), f"unknown column '{column}'", hints.among(column, own))
    for i, column in enumerate(spec.get("same", [])):
        if column not in own:
            yield entry.problem((*steps, "same", i), f"unknown column '{column}'", hints.among(column, own))
        elif own[column] == "key":
            yield entry.problem((*steps, "same", i), f"'{column}' is the key: no two rows have the same")
    keys = [n for n, role in own.items() if role == "key"]
    if len(keys) > 1 and "columns" in spec:
        yield entry.problem((*steps, "columns", keys[1], "role"), "a second key", f"'{keys[0]}' is the key; make this one text")
    if not keys and "columns" in spec and not {"per", "folder", "unique"} & set(spec):
        yield entry.problem((*steps, "columns"), "no column has the role key", "rows are told apart by their key")


def _noise(corpus: Corpus, entry: Entry, steps: Steps, spec: dict[str, Any], own: columns.Columns | None) -> Iterator[Problem]:
    found = corpus.all("noise").get("noise")
    if found is None:
        return
    known = {n["name"]: n for n in found.value.get("noise", []) if "name" in n}
    for i, name in enumerate(spec.get("noise", [])):
        if name not in known:
            yield entry.problem((*steps, "noise", i), f"unknown kind of noise '{name}'", hints.among(name, known))
            continue
        role, places = known[name].get("role"), known[name].get("formats", [])
        needs = known[name].get("needs")
        if role and own is not None and role not in own.values():
            yield entry.problem((*steps, "noise", i), f"'{name}' needs a column with the role {role}")
        elif needs and own is not None and not any(needs in c for n, c in _columns_of(entry, spec).items() if own.get(n) == role):
            yield entry.problem((*steps, "noise", i), f"'{name}' needs a {role} with {needs}")
        if places and "formats" in spec and not set(places) & set(spec["formats"]):
            yield entry.problem(
                (*steps, "noise", i), f"'{name}' occurs only in {', '.join(places)}", "add such a format or remove the noise"
            )


def _columns_of(entry: Entry, spec: dict[str, Any]) -> dict[str, Any]:
    """A relation's columns as the YAML has them; a copy has those of what it copies."""
    base = entry.value.get("relations", {}).get(spec.get("like"), spec)
    found: dict[str, Any] = base.get("columns", {})
    return found


def _column(entry: Entry, steps: Steps, how: dict[str, Any], spec: dict[str, Any]) -> Iterator[Problem]:
    if "joins" in how:
        return
    draw = how.get("draw")
    if draw is None:
        if (*steps, "draw") not in entry.document.keys:
            yield entry.problem(steps, "lacks 'draw'", "how its values are drawn, such as {pick: [..]}")
        return
    yield from _range(entry, (*steps, "draw"), draw)
    if how.get("role") == "key" and "pattern" in draw:
        yield from _keys(entry, (*steps, "draw", "pattern"), draw["pattern"], spec)
    if how.get("role") in ("measure", "level"):
        decimals = how.get("decimals", 0)
        for part in ("step", "number"):
            for value in draw[part] if part == "number" and part in draw else [draw[part]] if part in draw else []:
                if -int(Decimal(str(value)).normalize().as_tuple().exponent) > decimals:
                    yield entry.problem((*steps, "draw", part), f"{value} has more decimals than the column's {decimals}", "set `decimals`")
    if "name" in draw:
        yield from forms.check_name(entry, (*steps, "draw", "name"), draw["name"], spec.get("columns", {}), str(steps[-1]))


def _keys(entry: Entry, steps: Steps, pattern: str, spec: dict[str, Any]) -> Iterator[Problem]:
    """Both splits must find enough numbers that are theirs; the smaller has about a third of them."""
    width = int(pattern[pattern.index("{:0") + 3 : pattern.index("}")])
    most = spec.get("rows", [14, 24])[1] + spec.get("repeats", 0)
    if 10**width < most * 4:
        yield entry.problem(steps, f"'{pattern}' has too few numbers for {most} rows", f"make it {{:0{len(str(most * 4))}}}")


def _range(entry: Entry, steps: Steps, draw: dict[str, Any]) -> Iterator[Problem]:
    for part in ("dates", "times"):
        days = []
        for i, text in enumerate(draw.get(part, [])):
            try:
                days.append(date.fromisoformat(text[:10]))
            except ValueError:
                yield entry.problem((*steps, part, i), f"there is no day {text}")
        if len(days) == 2 and days[0] > days[1]:
            yield entry.problem((*steps, part), "the first day comes after the last", "swap them")
    for part in ("number", "integer", "hours"):
        if part in draw and draw[part][0] > draw[part][1]:
            yield entry.problem((*steps, part), "the lowest is higher than the highest", "swap them")
        elif part in draw and part != "hours" and draw.get("step", 0) > draw[part][1] - draw[part][0]:
            yield entry.problem((*steps, "step"), "the step is wider than the range")


def _tree(entry: Entry, steps: Steps, tree: dict[str, Any]) -> Iterator[Problem]:
    for path, leaf in tree.items():
        yield from _range(entry, (*steps, path), leaf)
        inside = [other for other in tree if other.startswith(f"{path}.")]
        if inside:
            yield entry.problem((*steps, path), f"is a value here and a group in '{inside[0]}'", "give one of them another name", key=True)
