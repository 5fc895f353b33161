"""Rows in a file of their own, each with the file and the line where it stands: a table with columns that only the written files tell."""

from __future__ import annotations

import dataclasses
from typing import Any

from generators import scripts
from generators.artifacts import Artifact, Changes, table
from generators.operate import Unfit
from generators.relations import Column, Relation, Value
from generators.renderers.lines import expression
from generators.words import joined
from generators.workspace import Written

FILE = "file"
LINE = "line"


def details(answer: Relation, written: Written, base: str) -> dict[str, Any]:
    """What citing takes: where each key stands, the file that is cited, its lines' pattern, the key's name there.

    Raises Unfit where the answer has no key, or columns that are called like those of the citation.
    """
    source = written.sources[base]
    keys = [i for i, c in enumerate(answer.columns) if c.role == "key"]
    if not keys or {FILE, LINE} & {c.name for c in answer.columns}:
        raise Unfit(f"{answer.name}: its rows can't be cited")
    return {"places": written.lines[base], "path": source.path, "pattern": source.spec["line"], "key": _key(source.spec)}


def _key(spec: dict[str, Any]) -> str:
    return next(str(name) for name, column in spec["columns"].items() if column["role"] == "key")


def _lines(artifact: Artifact, answer: Relation) -> dict[str, int]:
    """The columns of line numbers, by name, with the position of the key that each is about."""
    keys = [i for i, c in enumerate(answer.columns) if c.role == "key"]
    return {LINE: keys[0]} if len(keys) == 1 else {f"{artifact.columns[i]}_{LINE}": i for i in keys}


def cited(artifact: Artifact, answer: Relation, shift: int = 0, whole: bool = True) -> Relation:
    """The answer with its lines, `shift` off, and its file: the whole path, or the name alone. What stands nowhere has neither."""
    lines = _lines(artifact, answer)
    rows = []
    for row in answer.rows:
        places = [artifact.details["places"].get(str(row[i])) for i in lines.values()]
        numbers: list[Value] = [place and place[1] + shift for place in places]
        path = places[0][0] if places[0] else None
        rows.append((*row, *numbers, path if whole or not path else path.rpartition("/")[2]))
    columns = (*answer.columns, *(Column(name, "seq") for name in lines), Column(FILE, "path"))
    return dataclasses.replace(answer, columns=columns, rows=tuple(rows))


def _own_lines(artifact: Artifact, answer: Relation) -> Relation:
    """The answer citing where its rows stand below the header of the result."""
    right, width = cited(artifact, answer), len(answer.columns)
    count = len(right.columns) - width - 1
    return right.with_rows([(*row[:width], *[number] * count, row[-1]) for number, row in enumerate(right.rows, 2)])


def changes(artifact: Artifact, answer: Relation) -> Changes:
    """The file with the answer and its citations."""
    return table.changes(artifact, cited(artifact, answer))


def check(artifact: Artifact, answer: Relation) -> dict[str, Any]:
    """Params of the check `table`."""
    return table.check(artifact, cited(artifact, answer))


def shapes(artifact: Artifact, answer: Relation) -> dict[str, Changes]:
    """A table's wrong forms; lines counted from 0; the line below; lines of the result itself; the file's name without its folder."""
    found = table.shapes(artifact, cited(artifact, answer))
    found["zero-based"] = table.changes(artifact, cited(artifact, answer, shift=-1))
    found["next-line"] = table.changes(artifact, cited(artifact, answer, shift=1))
    found["own-lines"] = table.changes(artifact, _own_lines(artifact, answer))
    if "/" in artifact.details["path"]:
        found["bare-name"] = table.changes(artifact, cited(artifact, answer, whole=False))
    return found


def equivalents(artifact: Artifact, answer: Relation) -> dict[str, Changes]:
    """A table's."""
    return table.equivalents(artifact, cited(artifact, answer))


def writing(artifact: Artifact, answer: Relation) -> tuple[list[str], list[str]]:
    """Snippets and lines by which a script looks up the lines of `result` and writes it."""
    path, lines = artifact.details["path"], _lines(artifact, answer)
    snippets, write = scripts.writing(cited(artifact, answer), [*artifact.columns, *lines, FILE], artifact.form, artifact.path)
    numbers = ", ".join(f"{name!r}: at[r[{artifact.columns[i]!r}]]" for name, i in lines.items())
    look = [
        f"at = line_numbers({path!r}, {expression(artifact.details['pattern'])!r}, {artifact.details['key']!r})",
        f"result = [{{**r, {numbers}, {FILE!r}: {path!r}}} for r in result]",
    ]
    return ["line_numbers", *snippets], [*look, *write]


def words(artifact: Artifact, answer: Relation) -> dict[str, Any]:
    """What the template's sayings name: a table's words, the columns of line numbers, the file that is cited."""
    known = table.words(artifact, cited(artifact, answer))
    return {**known, "numbers": joined([f"`{name}`" for name in _lines(artifact, answer)]), "cites": f"`{artifact.details['path']}`"}
