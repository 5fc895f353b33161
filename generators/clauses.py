"""Clauses of a truth: what can be left out of its SQL or turned round, and which of them a mutant's SQL alters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

DIALECT = "duckdb"
Edit = Callable[[exp.Expression], exp.Expression | None]


@dataclass(frozen=True)
class Clause:
    """A part of the SQL: what kind it is, its text, and the whole query without it or with it turned round."""

    kind: str  # condition | match | order | partition | limit | distinct | join
    text: str
    without: tuple[str, ...]


def clauses(sql: str) -> list[Clause]:
    """All clauses of a query. Raises sqlglot.errors.ParseError for SQL that it does not read."""
    tree = sqlglot.parse_one(sql, dialect=DIALECT)
    return [Clause(kind, _text(node), tuple(_edited(tree, node, edit) for edit in edits)) for kind, node, edits in _parts(tree)]


def texts(sql: str) -> Counter[tuple[str, str]]:
    """How often each clause (kind, text) stands in a query."""
    tree = sqlglot.parse_one(sql, dialect=DIALECT)
    return Counter((kind, _text(node)) for kind, node, _ in _parts(tree))


def speaks(truth: str, mutant: str, clause: Clause) -> bool:
    """Whether the mutant lacks or alters the clause."""
    key = (clause.kind, clause.text)
    return texts(mutant)[key] < texts(truth)[key]


def _text(node: exp.Expression) -> str:
    return str(node.kind) if isinstance(node, exp.Join) else str(node.sql(dialect=DIALECT))


def _parts(tree: exp.Expression) -> Iterator[tuple[str, exp.Expression, tuple[Edit, ...]]]:
    for node in tree.walk():
        if isinstance(node, exp.Where | exp.Having | exp.Qualify):
            yield from (("condition", part, (_true, _negated)) for part in _conjuncts(node.this))
        elif isinstance(node, exp.Join):
            if node.args.get("on"):
                parts = [part for part in _conjuncts(node.args["on"]) if _on(part) == "condition" or node.kind not in ("SEMI", "ANTI")]
                yield from ((_on(part), part, (_true, _negated)) for part in parts)
            if node.kind in ("SEMI", "ANTI"):
                yield "join", node, (_other_side,)
        elif isinstance(node, exp.Order):
            yield from (("order", part, (_gone, _reversed)) for part in node.expressions)
        elif isinstance(node, exp.Window):
            yield from (("partition", part, (_gone,)) for part in node.args.get("partition_by") or [])
        elif isinstance(node, exp.Limit):
            yield "limit", node, (_gone,)
        elif isinstance(node, exp.Distinct):
            yield "distinct", node, (_gone,)


def _on(part: exp.Expression) -> str:
    """The kind of a join's condition: where a column equals another it says which rows of the two belong together."""
    return "match" if isinstance(part, exp.EQ) and isinstance(part.left, exp.Column) and isinstance(part.right, exp.Column) else "condition"


def _conjuncts(node: exp.Expression) -> Iterator[exp.Expression]:
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.And):
        yield from _conjuncts(node.left)
        yield from _conjuncts(node.right)
    else:
        yield node


def _edited(tree: exp.Expression, node: exp.Expression, edit: Edit) -> str:
    """The query's text with `edit` done to the copy of `node`; None takes it out, and what it leaves empty."""
    nodes = list(tree.walk())
    at = next(i for i, n in enumerate(nodes) if n is node)
    copy = tree.copy()
    mine = list(copy.walk())[at]
    new = edit(mine)
    parent = mine.parent
    if new is None and isinstance(parent, exp.Order) and len(parent.expressions) == 1:
        parent.pop()
    elif new is None:
        mine.pop()
    elif new is not mine:
        mine.replace(new)
    return str(copy.sql(dialect=DIALECT))


def _gone(node: exp.Expression) -> None:
    """Take the node out."""
    return None


def _true(node: exp.Expression) -> exp.Expression:
    return exp.true()


def _negated(node: exp.Expression) -> exp.Expression:
    return exp.Not(this=exp.Paren(this=node.copy()))


def _reversed(node: exp.Expression) -> exp.Expression:
    new = node.copy()
    new.set("desc", not node.args.get("desc"))
    return new


def _other_side(node: exp.Expression) -> exp.Expression:
    node.set("kind", "SEMI" if node.args["kind"] == "ANTI" else "ANTI")
    return node
