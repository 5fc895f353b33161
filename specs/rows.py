"""Records to and from what Arrow stores: a fixed schema from the annotations; a `Json` field is canonical JSON text."""

from __future__ import annotations

import base64
import json
import struct
import types
import typing
import zlib
from collections.abc import Callable
from typing import Any, TypeVar

import pyarrow as pa

from specs import digests
from specs.records import Json

T = TypeVar("T")
_PLAIN = {str: pa.large_string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_(), bytes: pa.large_binary()}
_HINTS: dict[Any, dict[str, Any]] = {}
_ZSTD = b"z"
_HEAD = struct.Struct("<cQ")  # how it is compressed, and the length of the text
Convert = Callable[[Any], Any] | None  # None where a value is stored as it is
_FIELDS: dict[Any, list[tuple[str, Convert, Convert]]] = {}


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
    if hint in _PLAIN:
        return _PLAIN[hint]
    if typing.get_origin(hint) is tuple:
        return pa.list_(_arrow(typing.get_args(hint)[0]))
    return pa.struct([pa.field(name, _arrow(h)) for name, h in _hints(hint).items()])


def schema_of(cls: Any) -> pa.Schema:
    """The fixed Arrow schema of a record class."""
    return pa.schema([pa.field(name, _arrow(hint)) for name, hint in _hints(cls).items()])


def to_row(record: Any) -> dict[str, Any]:
    """A record as the dictionary that Arrow stores."""
    return {name: getattr(record, name) if write is None else write(getattr(record, name)) for name, _, write in _fields(type(record))}


def from_row(cls: type[T], row: dict[str, Any]) -> T:
    """The record that a row stands for. Raises KeyError where the row lacks a field."""
    return cls(**{name: row[name] if read is None else read(row[name]) for name, read, _ in _fields(cls)})


def packed(value: Any) -> bytes:
    """A record, or a JSON value with bytes in it, as it is kept and as it travels between machines: compressed JSON, nothing pickled.

    Raises TypeError for what is neither.
    """
    row = to_row(value) if hasattr(value, "__dataclass_fields__") else value
    text = json.dumps(row, default=_text).encode()
    compressed: bytes = pa.Codec("zstd").compress(text, asbytes=True)
    return _HEAD.pack(_ZSTD, len(text)) + compressed


def unpacked(blob: bytes) -> Any:
    """The JSON value that was packed; a record's is its row. Raises ValueError for what is none."""
    if blob[:1] != _ZSTD:
        return json.loads(zlib.decompress(blob), object_hook=_binary)  # of an earlier version's store
    size = _HEAD.unpack_from(blob)[1]
    return json.loads(pa.Codec("zstd").decompress(blob[_HEAD.size :], size, asbytes=True), object_hook=_binary)


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    raise TypeError(f"{type(value).__name__} is neither JSON nor bytes")


def _binary(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["$bytes"]) if set(value) == {"$bytes"} else value


def _fields(cls: Any) -> list[tuple[str, Convert, Convert]]:
    """Each field's name, how it is read and how it is written; made once for each class."""
    if cls not in _FIELDS:
        _FIELDS[cls] = [(name, _reader(hint), _writer(hint)) for name, hint in _hints(cls).items()]
    return _FIELDS[cls]


def _reader(hint: Any) -> Convert:
    hint = _optional(hint)
    if hint == Json:
        return json.loads
    if hint in _PLAIN:
        return None
    if typing.get_origin(hint) is tuple:
        read = _reader(typing.get_args(hint)[0])
        return lambda value: None if value is None else tuple(value) if read is None else tuple(map(read, value))
    return lambda value: None if value is None else from_row(hint, value)


def _writer(hint: Any) -> Convert:
    hint = _optional(hint)
    if hint == Json:
        return digests.canonical
    if hint in _PLAIN:
        return None
    if typing.get_origin(hint) is tuple:
        write = _writer(typing.get_args(hint)[0])
        return lambda value: None if value is None else list(value) if write is None else list(map(write, value))
    return lambda value: None if value is None else to_row(value)
