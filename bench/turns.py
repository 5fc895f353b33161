"""A conversation as a reader wants it: turn by turn, each tool call with its arguments taken apart and its result beside it.

Takes anything: what a policy answered need not be well-formed, and may be endless.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.texts import Clip, clip, of_content, of_json

INLINE_CHARS = 80
MOST_TURNS = 400
MOST_CALLS = 60  # of one turn
MOST_ARGUMENTS = 40
FIRST = ("path", "command")  # of a call's arguments
BLOCKS = ("command",)  # arguments that get a block of their own however short


@dataclass(frozen=True)
class Argument:
    """An argument of a tool call: in the call's first line where it is short (`inline`), as a `block`, or as replacements (old, new)."""

    name: str
    inline: str
    block: Clip | None
    edits: tuple[tuple[Clip, Clip], ...] = ()


@dataclass(frozen=True)
class ToolCall:
    """What an agent called, and what came back (None: nothing did)."""

    name: str
    arguments: tuple[Argument, ...]
    result: Clip | None


@dataclass(frozen=True)
class Turn:
    """One answer of the policy, or a message that somebody else put in (`role`)."""

    role: str
    says: Clip
    calls: tuple[ToolCall, ...]


@dataclass(frozen=True)
class Talk:
    """What the policy was given to begin with, the turns from there on, and how many turns and calls are not among them."""

    opening: tuple[Turn, ...]
    turns: tuple[Turn, ...]
    lost: int


def talk(messages: Any, bound: int) -> Talk:
    """The conversation with no text longer than `bound`: what system and user say before the first answer is the opening."""
    found = [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
    results = _Results(found)
    opening: list[Turn] = []
    turns: list[Turn] = []
    lost = 0
    for place, message in enumerate(found):
        wanted = message.get("tool_calls")
        asked = wanted if isinstance(wanted, list) else []
        answers = [results.of(call) for call in asked]
        if results.used(place):
            continue
        if len(turns) == MOST_TURNS:
            lost += 1
            continue
        lost += len(asked[MOST_CALLS:])
        calls = tuple(_call(c, answer, bound) for c, answer in zip(asked[:MOST_CALLS], answers, strict=False))
        role = str(message.get("role", ""))
        turn = Turn(role, clip(of_content(message.get("content")).strip(), bound), calls)
        (opening if not turns and role in ("system", "developer", "user") else turns).append(turn)
    return Talk(tuple(opening), tuple(turns), lost)


class _Results:
    """Which tool message answers which call. Ids may repeat over turns, so the first that nobody has is a call's own."""

    def __init__(self, messages: Iterable[dict[str, Any]]):
        self._waiting: dict[str, deque[int]] = {}
        self._texts: dict[int, str] = {}
        asked: dict[str, int] = {}
        for place, message in enumerate(messages):
            wanted = message.get("tool_calls")
            for call in wanted if isinstance(wanted, list) else ():
                asked[_identity(call)] = asked.get(_identity(call), 0) + 1
            identity = str(message.get("tool_call_id", ""))
            if message.get("role") == "tool" and asked.get(identity, 0) > len(self._waiting.get(identity, ())):
                self._waiting.setdefault(identity, deque()).append(place)
                self._texts[place] = of_content(message.get("content"))

    def of(self, call: Any) -> str | None:
        """The text that answers the call, which is no longer there for the next."""
        places = self._waiting.get(_identity(call))
        return self._texts[places.popleft()] if places else None

    def used(self, place: int) -> bool:
        """Whether the message there is some call's answer."""
        return place in self._texts


def _identity(call: Any) -> str:
    return str(call.get("id", "")) if isinstance(call, dict) else ""


def _call(call: Any, result: str | None, bound: int) -> ToolCall:
    call = call if isinstance(call, dict) else {}
    function = call.get("function")
    function = function if isinstance(function, dict) else {}
    arguments = tuple(_arguments(function.get("arguments"), bound))
    return ToolCall(of_json(function.get("name", ""))[:bound], arguments, None if result is None else clip(result, bound))


def _arguments(raw: Any, bound: int) -> Iterator[Argument]:
    try:
        value = json.loads(raw) if isinstance(raw, str) else raw
    except (ValueError, RecursionError):  # shown as it came
        value = raw
    if not isinstance(value, dict):
        value = {"": "" if value is None else value}
    ordered = sorted(value.items(), key=lambda item: item[0] not in FIRST)
    for name, part in ordered[:MOST_ARGUMENTS]:
        yield _argument(str(name)[:INLINE_CHARS], part, bound)
    if len(value) > MOST_ARGUMENTS:
        yield Argument("", f"{len(value) - MOST_ARGUMENTS:,} more arguments", None)


def _argument(name: str, part: Any, bound: int) -> Argument:
    edits = _edits(part) if name == "edits" else []
    if edits:
        shown = edits[:MOST_ARGUMENTS]
        more = f"{len(edits) - len(shown):,} more of them" if len(edits) > len(shown) else ""
        return Argument(name, more, None, tuple((clip(old, bound), clip(new, bound)) for old, new in shown))
    text = of_json(part)
    short = len(text) <= INLINE_CHARS and "\n" not in text and name not in BLOCKS
    return Argument(name, text if short else "", None if short else clip(text, bound))


def _edits(value: Any) -> list[tuple[str, str]]:
    """The replacements of an edit as (old, new), or nothing where they are not what the tool takes."""
    parts = value if isinstance(value, list) else [value]
    pairs = [(p.get("oldText"), p.get("newText")) for p in parts if isinstance(p, dict)]
    good = [(old, new) for old, new in pairs if isinstance(old, str) and isinstance(new, str)]
    return good if len(good) == len(parts) else []
