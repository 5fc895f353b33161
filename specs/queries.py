"""SQL of operations, looked at without running it: does it parse, which views and parameters does it name, what does it select."""

from __future__ import annotations

import functools

import sqlglot
from sqlglot import exp


@functools.lru_cache(maxsize=4096)
def parse(sql: str) -> exp.Expression | str:
    """The parsed query, or what is wrong with it."""
    try:
        statements = [s for s in sqlglot.parse(sql, dialect="duckdb") if s is not None]
    except sqlglot.errors.ParseError as error:
        first = error.errors[0] if error.errors else {}
        near = f" near '{first['highlight'].strip()}'" if first.get("highlight", "").strip() else ""
        return f"{first.get('description', 'not SQL').partition(' for <')[0]}{near}"
    except sqlglot.errors.SqlglotError as error:
        return str(error).splitlines()[0]
    if len(statements) != 1:
        return f"{len(statements)} statements where one is wanted"
    query = statements[0]
    return query if isinstance(query, exp.Query) else "not a query: it must start with SELECT, FROM or WITH"


def views(query: exp.Expression) -> list[str]:
    """Names of the views that it reads (its own common tables left out)."""
    own = {c.alias for c in query.find_all(exp.CTE)}
    return [t.name for t in query.find_all(exp.Table) if t.name and t.name not in own]


def params(query: exp.Expression) -> list[str]:
    """Names of its `$name` parameters."""
    return [p.name for p in query.find_all(exp.Placeholder, exp.Parameter) if p.name]


def selects(query: exp.Expression) -> list[str] | None:
    """The columns that it gives, or None where a star stands among them."""
    if not isinstance(query, exp.Query) or query.is_star:
        return None
    return list(query.named_selects)


def ordered(query: exp.Expression) -> bool:
    """Whether the outermost query says an order."""
    return query.args.get("order") is not None
