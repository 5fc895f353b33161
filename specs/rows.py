"""Records to and from what Arrow stores: a fixed schema from the annotations; a `Json` field is canonical JSON text."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Callable
from typing import Any, TypeVar

import pyarrow as pa

from specs import digests
from specs.records import Json

T = TypeVar("T")
_HINTS: dict[Any, dict[str, Any]] = {}
_READERS: dict[Any, list[tuple[str, Callable[[Any], Any] | None]]] = {}


def _hints(cls: Any) -> dict[str, Any]:
    if cls not in _HINTS:
        _HINTS[cls] = typing.get_type_hints(cls, include_extras=True)
    return _HINTS[cls]


def _optional(hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        return next(a for a in hint.__args__ if a is not type(None))
    return hint


def _arrow(hint: Any) -> pa.DataType:
    hint = _optional(hint)
    if hint == Json:
        return pa.large_string()
    plain = {str: pa.large_string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_(), bytes: pa.large_binary()}
    if hint in plain:
        return plain[hint]
    if typing.get_origin(hint) is tuple:
        return pa.list_(_arrow(typing.get_args(hint)[0]))
    return pa.struct([pa.field(name, _arrow(h)) for name, h in _hints(hint).items()])


def schema_of(cls: Any) -> pa.Schema:
    """The fixed Arrow schema of a record class."""
    return pa.schema([pa.field(name, _arrow(hint)) for name, hint in _hints(cls).items()])


def to_row(record: Any) -> dict[str, Any]:
    """A record as the dictionary that Arrow stores."""
    return {name: _down(hint, getattr(record, name)) for name, hint in _hints(type(record)).items()}


def from_row(cls: type[T], row: dict[str, Any]) -> T:
    """The record that a row stands for. Raises KeyError where the row lacks a field."""
    return cls(**{name: row[name] if read is None else read(row[name]) for name, read in _fields(cls)})


def _down(hint: Any, value: Any) -> Any:
    hint = _optional(hint)
    if hint == Json:
        return digests.canonical(value)
    if value is None or hint in (str, int, float, bool, bytes):
        return value
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        return list(value) if inner in (str, int, float) else [_down(inner, v) for v in value]
    return to_row(value)


def _fields(cls: Any) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """Each field's name, and how its value is read where it is not as it is stored; once for each class."""
    if cls not in _READERS:
        _READERS[cls] = [(name, _reader(hint)) for name, hint in _hints(cls).items()]
    return _READERS[cls]


def _reader(hint: Any) -> Callable[[Any], Any] | None:
    hint = _optional(hint)
    if hint == Json:
        return json.loads
    if hint in (str, int, float, bool, bytes):
        return None
    if typing.get_origin(hint) is tuple:
        read = _reader(typing.get_args(hint)[0])
        return lambda value: None if value is None else tuple(value) if read is None else tuple(map(read, value))
    return lambda value: None if value is None else from_row(hint, value)
