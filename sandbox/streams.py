"""Streamed chat completions: bytes into server-sent events, chunks into the response that was streamed."""

from __future__ import annotations

import re
from typing import Any

from sandbox.harness import clean
from specs.errors import BoundaryError

DONE = "[DONE]"
EVENT_BYTES = 16 << 20
_AT_ONCE = ("id", "role", "type")  # all other text of a delta comes in pieces
_ENDS = re.compile(rb"\r\n|\n|\r")


class Events:
    """Cuts bytes, in whatever pieces they come, into the data of server-sent events."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._data: list[bytes] = []
        self._after_return = False

    def feed(self, piece: bytes) -> list[str]:
        """The data of the events that are complete with this piece. Raises BoundaryError("endpoint") for what is no text."""
        if not piece:
            return []
        if self._after_return:
            piece = piece.removeprefix(b"\n")
        self._after_return = piece.endswith(b"\r")
        first, *others = _ENDS.split(piece)
        self._rest += first
        if len(self._rest) > EVENT_BYTES:
            raise BoundaryError("endpoint", f"an event of the stream has more than {EVENT_BYTES} bytes")
        if not others:
            return []
        lines, self._rest = [bytes(self._rest), *others[:-1]], bytearray(others[-1])
        return [event for line in lines if (event := self._line(line)) is not None]

    def _line(self, line: bytes) -> str | None:
        """The event that the line ends, if it ends one."""
        if line:
            field, _, value = line.partition(b":")
            if field == b"data":
                self._data.append(value.removeprefix(b" "))
            return None
        data, self._data = self._data, []
        try:
            return b"\n".join(data).decode() if data else None
        except UnicodeDecodeError:
            raise BoundaryError("endpoint", "an event of the stream is not UTF-8") from None


class Assembly:
    """Puts a response together from its chunks."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}

    def added(self, chunk: Any) -> dict[str, Any]:
        """Take a chunk in, and give it back. Raises BoundaryError("endpoint") for what is none."""
        try:
            for key, value in chunk.items():
                if value is not None and (key == "usage" or key not in self._head):
                    self._head[key] = value
            for choice in chunk.get("choices") or ():
                self._take(choice)
            return dict(chunk)
        except (AttributeError, KeyError, TypeError):
            raise BoundaryError("endpoint", f"the stream has a chunk that is none: {str(chunk)[:200]}") from None

    def response(self) -> dict[str, Any]:
        """The response so far. Raises BoundaryError("endpoint") where the answer has not come to its end."""
        choices = [_finished(choice) for _, choice in sorted(self._choices.items())]
        if not choices or not all(choice["finish_reason"] for choice in choices):
            raise BoundaryError("endpoint", "the stream has ended before the answer has")
        whole: dict[str, Any] = clean({**self._head, "object": "chat.completion", "choices": choices})
        return whole

    def _take(self, choice: dict[str, Any]) -> None:
        index, delta = choice.get("index", 0), choice.get("delta") or {}
        if not isinstance(index, int) or not all(isinstance(call["index"], int) for call in delta.get("tool_calls") or ()):
            raise TypeError
        whole = self._choices.setdefault(index, _nothing_said(index))
        _join(whole["message"], delta)
        for key, value in choice.items():
            if isinstance(value, dict | list) and key != "delta":
                _join(whole, {key: value})
            elif value is not None and key != "delta":
                whole[key] = value


def _nothing_said(index: int) -> dict[str, Any]:
    message = {"role": "assistant", "content": None, "refusal": None}
    return {"index": index, "message": message, "logprobs": None, "finish_reason": None}


def _join(whole: dict[str, Any], piece: dict[str, Any]) -> None:
    """Add a piece to what there is: text to text, lists behind lists, entries with an index to those with the same."""
    for key, value in piece.items():
        have = whole.get(key)
        if value is None:
            continue
        if isinstance(value, dict):
            whole[key] = {} if have is None else have
            _join(whole[key], value)
        elif isinstance(value, list):
            whole[key] = [] if have is None else have
            _append(whole[key], value)
        elif isinstance(value, str) and key not in _AT_ONCE:
            whole[key] = ("" if have is None else have) + value
        else:
            whole[key] = have if key in _AT_ONCE and have else value


def _append(whole: list[Any], pieces: list[Any]) -> None:
    for piece in pieces:
        if not isinstance(piece, dict) or "index" not in piece:
            whole.append(piece)
            continue
        if not any(entry["index"] == piece["index"] for entry in whole):
            whole.append({"index": piece["index"]})
        _join(next(entry for entry in whole if entry["index"] == piece["index"]), piece)


def _finished(choice: dict[str, Any]) -> dict[str, Any]:
    """The choice with its tool calls in order, and as a whole response has them: without their index."""
    message = dict(choice["message"])
    if "tool_calls" in message:
        calls = sorted(message["tool_calls"], key=lambda call: int(call["index"]))
        message["tool_calls"] = [{key: value for key, value in call.items() if key != "index"} for call in calls]
    return {**choice, "message": message}
