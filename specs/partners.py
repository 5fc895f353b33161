"""Further inputs of an operation: the relations that belong to the first input's, and how each is told by the input's name.

`other` is a copy of it (`like`), `limits` has a row for each value of one of its columns (`per`), `changes` is a list of changes to it
(`changes`), and `parents` is what one of its columns refers to (`joins`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WAYS = {"other": "like", "limits": "per", "changes": "changes", "parents": "joins"}
DERIVED = frozenset({"like", "per", "changes"})  # relations with one of these are never a first input: they follow another


def derived(spec: Mapping[str, Any]) -> bool:
    """Whether a relation's entry says that it is made from another."""
    return bool(DERIVED & set(spec))


def joined(spec: Mapping[str, Any]) -> dict[str, str]:
    """Columns of a relation's own entry that refer to another relation's key: column to relation."""
    return {name: str(column["joins"]) for name, column in spec.get("columns", {}).items() if "joins" in column}


def of(relations: Mapping[str, Any], name: str, root: str) -> list[str]:
    """The relations that can be the further input `name` beside the drawn relation `root`, in the domain's order."""
    if not root or root not in relations or name not in WAYS:
        return []
    if name == "parents":
        wanted = set(joined(relations[root]).values())
        return [n for n in relations if n in wanted]
    return [n for n, spec in relations.items() if str(spec.get(WAYS[name], "")).partition(".")[0] == root]
