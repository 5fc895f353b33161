"""Where an entry of YAML stands, and its digest: what provenance points to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from specs import digests, located


def entry_digest(value: Any, extra: bytes = b"") -> str:
    """Digest of one entry's plain value, with the files that belong to it (an operation's solution and sources).

    The order of keys counts: columns, relations and demands are used in the order in which they are written.
    """
    return digests.digest([json.dumps(value, ensure_ascii=False), digests.of_bytes(extra)])


def belongings(entry: dict[str, Any], folder: Path) -> bytes:
    """What an operation's entry names, as bytes: its solution, its module's second version, its source tree by path and digest."""
    parts = [(folder / entry[key]).read_bytes() for key in ("solution", "second") if key in entry]
    if "source" in entry:
        parts.append(digests.canonical(tree(folder / entry["source"])).encode())
    return b"".join(parts)


def tree(folder: Path) -> dict[str, bytes]:
    """Files below a folder by relative path, but for what Python leaves behind where a module was run; empty where there is no folder."""
    found = sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.relative_to(folder).parts)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in found}


def entries(path: Path) -> list[tuple[str, int, str]]:
    """(name, line, digest) of each entry of a file: operations, noise kinds, rewordings, a task's recorded lines; else the file."""
    if path.suffix == ".jsonl":
        return _recorded(path)
    document = located.load(path)
    value = document.value
    if "rewordings" in value:
        return [(e["task"], document.where(("rewordings", i))[0], entry_digest(e)) for i, e in enumerate(value["rewordings"])]
    for kind in ("operations", "noise"):
        if kind in value:
            return [
                (e["name"], document.where((kind, i))[0], entry_digest(e, belongings(e, path.parent) if kind == "operations" else b""))
                for i, e in enumerate(value[kind])
            ]
    return [(value["name"], document.where(("name",), key=True)[0], entry_digest(value))]


def _recorded(path: Path) -> list[tuple[str, int, str]]:
    """The responses that are recorded about each task, from its first line on."""
    lines: dict[str, list[Any]] = {}
    first: dict[str, int] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").removesuffix("\n").split("\n"), 1):
        value = json.loads(line)
        lines.setdefault(value["task"], []).append(value)
        first.setdefault(value["task"], number)
    return [(task, first[task], digests.digest(values)) for task, values in lines.items()]


def find_entry(path: str, name: str, root: Path = Path()) -> tuple[int, str] | None:
    """(line, digest) of the entry in the working tree, or None where the file or the entry is gone."""
    if not (root / path).is_file():
        return None
    if path.endswith("SKILL.md"):
        return 1, digests.of_bytes((root / path).read_bytes())
    return next(((line, digest) for n, line, digest in entries(root / path) if n == name), None)
