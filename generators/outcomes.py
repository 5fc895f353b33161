"""What comes of a plan, as it is kept and handed on: each record one row of Arrow, packed, which nobody unpacks who only writes it down.

An outcome is a dictionary of JSON and bytes: `id` and a packed row by name of the part, and `worded` where there are other words
(rewriting.applying); or `rejected` {id, operations, reason}.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from generators.rewriting.records import Wording
from specs import layout, rows
from specs.records import Candidates, Provenance, Solution, Task, Verifier

Outcome = dict[str, Any]
T = TypeVar("T")
PARTS: tuple[tuple[str, Path, type], ...] = (
    ("task", layout.TASKS, Task),
    ("verifier", layout.VERIFIERS, Verifier),
    ("solution", layout.SOLUTIONS, Solution),
    ("provenance", layout.PROVENANCE, Provenance),
    ("candidates", layout.CANDIDATES, Candidates),
    ("wording", layout.WORDINGS, Wording),
)
_NAMES: dict[type, str] = {cls: name for name, _, cls in PARTS}
_SCHEMAS = {name: rows.schema_of(cls) for name, _, cls in PARTS}
_STRUCTS = {name: pa.struct(list(schema)) for name, schema in _SCHEMAS.items()}
CODEC = "zstd"


def packed(outcome: Outcome) -> Outcome:
    """An outcome whose parts are rows, with these packed."""
    if "rejected" in outcome:
        return outcome
    return outcome | {"id": outcome["task"]["id"]} | {name: _packed(name, outcome[name]) for name in _SCHEMAS}


def _packed(part: str, row: dict[str, Any]) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, CODEC) as out:
        out.write(pa.RecordBatch.from_struct_array(pa.array([row], type=_STRUCTS[part])).serialize())
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def batch(outcome: Outcome, part: str) -> pa.RecordBatch:
    """A part of a packed outcome as Arrow."""
    with pa.CompressedInputStream(pa.py_buffer(outcome[part]), CODEC) as data:
        return pa.ipc.read_record_batch(pa.py_buffer(data.read()), _SCHEMAS[part])


def row(outcome: Outcome, part: str) -> dict[str, Any]:
    """A part of a packed outcome as a row."""
    found: dict[str, Any] = batch(outcome, part).to_pylist()[0]
    return found


def record(outcome: Outcome, cls: type[T]) -> T:
    """The record of that class in a packed outcome."""
    return rows.from_row(cls, row(outcome, _NAMES[cls]))
