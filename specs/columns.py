"""The columns that relations of a domain have, as far as its YAML tells: names and roles."""

from __future__ import annotations

from typing import Any

Columns = dict[str, str]  # name to role; the role is empty where the YAML does not say


def of(relations: dict[str, Any], name: str) -> Columns | None:
    """Columns of a relation, derived ones included; None where the YAML does not tell."""
    spec = relations.get(name)
    if not isinstance(spec, dict):
        return None
    if "tree" in spec:
        return {"path": "path", "value": "value"}
    if "like" in spec:
        base = of(relations, spec["like"]) if spec["like"] != name else None
        return None if base is None else {n: role for n, role in base.items() if n in spec.get("keep", base)}
    if "changes" in spec:
        return _changes(relations, spec["changes"]) if spec["changes"] != name else None
    if "columns" not in spec:
        return None
    return {n: c.get("role", "") for n, c in spec["columns"].items()}


def better(relations: dict[str, Any], name: str) -> frozenset[str]:
    """The columns of a relation that say which of their ends is the better one."""
    spec = relations[name]
    if "like" in spec:
        return better(relations, spec["like"]) & frozenset(of(relations, name) or ()) if spec["like"] != name else frozenset()
    return frozenset(n for n, c in spec.get("columns", {}).items() if isinstance(c, dict) and c.get("better"))


def _changes(relations: dict[str, Any], base: str) -> Columns | None:
    if "tree" in relations.get(base, {}):
        return {"no": "seq", "path": "path", "value": "value"}
    found = of(relations, base)
    if found is None:
        return None
    keys = {n: role for n, role in found.items() if role == "key"}
    return {"no": "seq", **dict(list(keys.items())[:1]), "field": "field", "value": "value"}
