"""Messages between a process and the graders it starts: a length, then JSON in which bytes stand as base64. Nothing is unpickled."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any, BinaryIO

_LENGTH = struct.Struct(">Q")
_BYTES = "base64"  # the one key of what stands for bytes; records' fields have other names


def packed(message: Any) -> bytes:
    """A message as it travels: dictionaries, lists, text, numbers and bytes. Raises TypeError for anything else."""
    body = json.dumps(message, default=_text).encode("ascii")
    return _LENGTH.pack(len(body)) + body


def receive(stream: BinaryIO, most: int | None = None) -> Any:
    """The next message. Raises EOFError where none or half of one comes, ValueError for more than `most` bytes or no JSON."""
    (size,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    if most is not None and size > most:
        raise ValueError(f"a message of {size} bytes")
    return json.loads(_exactly(stream, size), object_hook=_binary)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    body = stream.read(size)
    if len(body) < size:
        raise EOFError("the other side is gone")
    return body


def _text(value: Any) -> dict[str, str]:
    if not isinstance(value, bytes):
        raise TypeError(f"{type(value).__name__} does not travel")
    return {_BYTES: base64.b64encode(value).decode("ascii")}


def _binary(value: dict[str, Any]) -> Any:
    return base64.b64decode(value[_BYTES]) if value.keys() == {_BYTES} else value
