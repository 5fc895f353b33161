"""Whether a workflow can be bound: each step's inputs out of a domain's relations and what earlier steps yield, by roles alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from specs import columns, partners, queries
from specs.yields import DRAWN


@dataclass(frozen=True)
class Shape:
    """What binding looks at in a relation: columns as (name, role), whether it says which rows are the same, what it was drawn as."""

    columns: tuple[tuple[str, str], ...]
    same: bool
    root: str
    form: str  # table | lines | folder | tree
    site: bool = False  # whether it can be served as one
    lined: bool = False  # whether it, or what its rows were drawn as, is a file of lines
    better: frozenset[str] = frozenset()  # the columns that say which of their ends is better


def unbindable(relations: dict[str, Any], operations: Sequence[dict[str, Any]]) -> tuple[int, str] | None:
    """The first step that no way of binding the steps before it leaves possible, and why; None where there is a way."""
    bases = _bases(relations)
    ways: list[tuple[Shape | None, ...]] = [()]
    for number, operation in enumerate(operations):
        following = {(*way, found) for way in ways for found in _step(relations, bases, way, operation)}
        if not following:
            return number, _why(bases, operation)
        ways = sorted(following, key=repr)[:50]
    return None


def _bases(relations: dict[str, Any]) -> dict[str, Shape]:
    return {name: shape for name in relations if (shape := _base(relations, name))}


def _drawn(relations: dict[str, Any]) -> dict[str, Shape]:
    """Shapes of the relations that are derived from no other."""
    return {name: shape for name, shape in _bases(relations).items() if not partners.derived(relations[name])}


def _base(relations: dict[str, Any], name: str) -> Shape | None:
    own, spec = columns.of(relations, name), relations[name]
    if own is None:
        return None
    form = "folder" if "folder" in spec else "tree" if "tree" in spec else "lines" if "line" in spec else "table"
    return Shape(
        tuple(own.items()), "same" in spec, name, form, "site" in spec.get("formats", []), form == "lines", columns.better(relations, name)
    )


def _step(
    relations: dict[str, Any], bases: dict[str, Shape], way: Sequence[Shape | None], operation: dict[str, Any]
) -> Iterator[Shape | None]:
    """What the operation can yield after the steps of `way` (None: nothing that another step takes)."""
    first, *others = operation["takes"]
    for earlier in () if operation.get("yields", {}).get("as") in DRAWN else reversed(way):
        if earlier and bind(earlier, operation, first) and _partners(relations, bases, earlier.root, operation, others):
            yield _yielded(earlier, operation, first)
            return
    for name, shape in _drawn(relations).items():
        if _form_fits(shape, operation) and bind(shape, operation, first) and _partners(relations, bases, name, operation, others):
            yield _yielded(shape, operation, first)


def bind(shape: Shape, operation: dict[str, Any], name: str) -> dict[str, tuple[str, str]] | None:
    """Bound names to columns, as the compiler would choose them; None where a role is missing."""
    need = operation.get("needs", {}).get(name)
    if {"same": not shape.same, "site": not shape.site, "lines": not shape.lined}.get(need, False):
        return None
    taken: dict[str, tuple[str, str]] = {}
    for bound, roles in operation["takes"][name].items():
        free = [c for c in _told(shape, operation, name, bound) if c not in taken.values()]
        found = [c for role in (roles if isinstance(roles, list) else [roles]) for c in free if c[1] == role]
        if not found:
            return None
        taken[bound] = found[0]
    return taken


def _told(shape: Shape, operation: dict[str, Any], name: str, bound: str) -> list[tuple[str, str]]:
    """The columns that say what the operation needs to know of the one that it binds."""
    wanted = operation.get("needs", {}).get(f"{name}.{bound}") == "better"
    return [c for c in shape.columns if not wanted or c[0] in shape.better]


def lacking(relations: dict[str, Any], operation: dict[str, Any]) -> list[str]:
    """What the relation that comes nearest lacks to serve the operation; empty where a relation of the domain serves it."""
    first, *others = operation["takes"]
    ways = []
    for name, shape in _drawn(relations).items():
        missing = [f"{name}: a column for {roles}" for roles in _missing(shape, operation, first)]
        if operation.get("needs", {}).get(first) == "same" and not shape.same:
            missing.append(f"{name}: 'same'")
        if operation.get("needs", {}).get(first) == "site" and not shape.site:
            missing.append(f"{name}: the format 'site'")
        if operation.get("needs", {}).get(first) == "lines" and not shape.lined:
            missing.append(f"{name}: 'line'")
        if not _form_fits(shape, operation):
            missing.append(f"{name}: the form that is worked on ({operation['yields']['as']})")
        for other in others:
            if not _partners(relations, _bases(relations), name, operation, [other]):
                missing.append(f"{name}: a relation that belongs to it by `{partners.WAYS.get(other, other)}` with the roles of {other}")
        ways.append(missing)
    return min(ways, key=len, default=["relations that are drawn"])


def _missing(shape: Shape, operation: dict[str, Any], name: str) -> list[str]:
    """The roles, each with what may stand in its place, that find no free column."""
    missing, taken = [], []
    for bound, roles in operation["takes"][name].items():
        wanted = roles if isinstance(roles, list) else [roles]
        told = _told(shape, operation, name, bound)
        found = [c for role in wanted for c in told if c[1] == role and c not in taken]
        missing += [] if found else [" or ".join(wanted) + ("" if len(told) == len(shape.columns) else " that says what is `better`")]
        taken += found[:1]
    return missing


def _partners(relations: dict[str, Any], bases: dict[str, Shape], root: str, operation: dict[str, Any], others: Sequence[str]) -> bool:
    """Whether each further input has a relation derived from `root` that fits."""
    return all(
        any(name in bases and bind(bases[name], operation, other) is not None for name in partners.of(relations, other, root))
        for other in others
    )


def _form_fits(shape: Shape, operation: dict[str, Any]) -> bool:
    """Files are organised in a folder of files, a tree is edited as a tree, code works on data that JSON holds."""
    wanted = {"files": ("folder",), "tree": ("tree",), "code": ("table",), "tests": ("table",)}.get(operation.get("yields", {}).get("as"))
    return wanted is None or shape.form in wanted


def _yielded(shape: Shape, operation: dict[str, Any], first: str) -> Shape | None:
    yields = operation.get("yields", {})
    if yields.get("as") != "table":
        return None
    bound = bind(shape, operation, first) or {}
    if yields.get("columns") == "same":
        query = queries.parse(operation.get("truth", ""))
        selected = None if isinstance(query, str) else queries.selects(query)
        view = {column: name for name, column in bound.items()}
        kept = tuple(c for c in shape.columns if selected is None or view.get(c, c[0]) in selected)
        return Shape(kept, shape.same, shape.root, "table", lined=shape.lined, better=shape.better & {n for n, _ in kept})
    declared = tuple((name, _role(how, operation, bound)) for name, how in yields.get("columns", {}).items())
    better = frozenset(n for n, how in yields.get("columns", {}).items() if _source(how, bound) in shape.better)
    return Shape(declared, False, "", "table", better=better)


def _source(how: Any, first: dict[str, tuple[str, str]]) -> str:
    """The column that a declared one is like, by name; empty where it is like none of the first input's."""
    reference = how if isinstance(how, str) else how.get("like", "")
    source, _, bound = reference.rpartition(".")
    return first[bound][0] if bound in first and not source else ""


def _role(how: Any, operation: dict[str, Any], first: dict[str, tuple[str, str]]) -> str:
    """The role that a declared column has: its own, or that of the bound column it is like."""
    if isinstance(how, dict) and "role" in how:
        return str(how["role"])
    reference = how if isinstance(how, str) else how.get("like", "")
    bound = reference.rpartition(".")[2]
    if bound in first:
        return first[bound][1]
    roles = next((binds[bound] for binds in operation["takes"].values() if bound in binds), "")
    return str(roles[0] if isinstance(roles, list) else roles)


def _why(bases: dict[str, Shape], operation: dict[str, Any]) -> str:
    first, *others = operation["takes"]
    wanted = ", ".join(" or ".join(r) if isinstance(r, list) else r for r in operation["takes"][first].values())
    further = "".join(f", with a relation that belongs to it by `{partners.WAYS[o]}`" for o in others if o in partners.WAYS)
    needs = operation.get("needs", {}).values()
    more = (" and `same`" if "same" in needs else "") + (" of a relation with the format site" if "site" in needs else "")
    more += " of a relation with `line`" if "lines" in needs else ""
    return f"takes {wanted}{more}{further}"
