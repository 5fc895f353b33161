"""Small slips in one artifact, made from the right one: one value off, one row missing, one row twice; and stubs of it.

Each takes a check's params for what the artifact is, and the right bytes; what can't be made of them is not made.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from specs.records import Check
from verifiers import pieces
from verifiers.kinds import tree
from verifiers.pieces import Pieces
from verifiers.snapshot import Unreadable

ASKED = {"code": "module", "tests": "tests"}  # the param that is the file asked for; `path` for the other kinds
NUMBERS = 40  # of the workspace, that a message lists
_NUMBER = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)(.*)", re.DOTALL)
_DAY = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(.*)", re.DOTALL)
_LEAF = re.compile(r"(?P<start>[ \t]*[\"']?[\w.-]+[\"']? ?[:=] *)(?P<value>[^\s{\[#][^\n]*?)(?P<end>,?)")
_FLIPPED = {"true": "false", "false": "true", "yes": "no", "no": "yes", "on": "off", "off": "on"}


def asked(check: Check) -> str:
    """The path of the file that a check asks for; empty where it is about a folder."""
    return str(check.params.get(ASKED.get(check.kind, "path"), ""))


def slips(check: Check, data: bytes, seed: int) -> Iterator[tuple[str, bytes]]:
    """(kind, bytes) of each slip; `seed` says where it is made."""
    if check.kind == "table":
        yield from _of_table(check.params, data, seed)
    elif check.kind == "calendar":
        yield from _of_calendar(data, seed)
    elif check.kind == "message":
        yield from _of_message(check.params, data, seed)
    elif check.kind == "tree":
        yield from _of_tree(check.params, data, seed)


def off(text: str, kind: str) -> str | None:
    """A value of that type that is off by a little: a number by one in its last place, a date by a day; None for text and blanks."""
    if kind in ("integer", "number") and (found := _NUMBER.fullmatch(text)):
        value = Decimal(found[1])
        return f"{value + Decimal(1).scaleb(int(value.as_tuple().exponent))}{found[2]}"
    if kind in ("date", "timestamp") and (found := _DAY.fullmatch(text)):
        moved = date(int(found[1]), int(found[2]), int(found[3])) + timedelta(days=1)
        return f"{moved:%Y-%m-%d}{found[4]}"
    return None


def _shorter(text: str) -> str | None:
    """A text without its last letter."""
    return text[:-1].rstrip() or None if text.strip() == text else None


def _rotated(items: Sequence[Any], seed: int) -> Iterator[Any]:
    """All items, beginning at one that the seed chooses."""
    start = seed % len(items) if items else 0
    return itertools.chain(items[start:], items[:start])


def _of_table(params: dict[str, Any], data: bytes, seed: int) -> Iterator[tuple[str, bytes]]:
    cut = pieces.cut(params["format"], data)
    if cut is None or not cut.rows:
        return
    if wrong := _one_value(cut, params["columns"], seed):
        yield "value-off", wrong
    yield from _one_row(cut, seed)


def _one_value(cut: Pieces, columns: Sequence[dict[str, Any]], seed: int) -> bytes | None:
    """Numbers and dates first; where there are none, a text loses its last letter."""
    names = [c["name"] for c in columns]
    typed = [n for n, c in enumerate(columns) if c["type"] != "text"]
    for row, column in _rotated([(r, c) for r in range(len(cut.rows)) for c in typed], seed):
        kind = columns[column]["type"]
        if new := pieces.altered(cut, row, names, column, lambda text, kind=kind: off(text, kind)):  # type: ignore[misc]
            return cut.joined([*cut.rows[:row], new, *cut.rows[row + 1 :]])
    for row, column in _rotated([(r, c) for r in range(len(cut.rows)) for c in range(len(columns)) if c not in typed], seed):
        if new := pieces.altered(cut, row, names, column, _shorter):
            return cut.joined([*cut.rows[:row], new, *cut.rows[row + 1 :]])
    return None


def _one_row(cut: Pieces, seed: int) -> Iterator[tuple[str, bytes]]:
    at = seed % len(cut.rows)
    yield "row-missing", cut.joined([*cut.rows[:at], *cut.rows[at + 1 :]])
    yield "row-doubled", cut.joined([*cut.rows[: at + 1], *cut.rows[at:]])


def _of_calendar(data: bytes, seed: int) -> Iterator[tuple[str, bytes]]:
    """An event a day late, missing, or twice (the second time as another event: two of the same UID are one)."""
    cut = pieces.cut("ics", data)
    if cut is None:
        return
    at = seed % len(cut.rows)
    late = re.sub(r"^((?:DTSTART|DTEND)[^:\n]*:)([0-9]{8})", _a_day_later, cut.rows[at], flags=re.MULTILINE)
    again = re.sub(r"^(UID:[^\r\n]*)", r"\1-again", cut.rows[at], flags=re.MULTILINE)
    yield "value-off", cut.joined([*cut.rows[:at], late, *cut.rows[at + 1 :]])
    yield "row-missing", cut.joined([*cut.rows[:at], *cut.rows[at + 1 :]])
    yield "row-doubled", cut.joined([*cut.rows, again])


def _a_day_later(found: re.Match[str]) -> str:
    return found[1] + (off(found[2], "date") or found[2]).replace("-", "")


def _of_message(params: dict[str, Any], data: bytes, seed: int) -> Iterator[tuple[str, bytes]]:
    """One fact off, one fact missing. A fact that is said twice is said."""
    lines = data.decode("utf-8", "replace").split("\n")
    places = [(n, f) for f in params["facts"] for n, line in enumerate(lines) if line.startswith(f"{f['label']}: ")]
    for n, fact in _rotated(places, seed):
        value = lines[n].removeprefix(f"{fact['label']}: ")
        if new := off(value, fact["type"]) or _shorter(value):
            yield "value-off", "\n".join([*lines[:n], f"{fact['label']}: {new}", *lines[n + 1 :]]).encode()
            break
    if places:
        n, _ = places[seed % len(places)]
        yield "row-missing", "\n".join([*lines[:n], *lines[n + 1 :]]).encode()


def numbered(params: dict[str, Any], data: bytes, numbers: Sequence[str]) -> bytes | None:
    """The message with a list of numbers, the right one among them, in place of each number; None where it has none to replace."""
    text = data.decode("utf-8", "replace")
    for fact in params["facts"]:
        if fact["type"] in ("integer", "number"):
            listed = ", ".join(sorted({fact["value"], *numbers[:NUMBERS]}))
            text = text.replace(f"{fact['label']}: {fact['value']}", f"{fact['label']}: {listed}")
    new = text.encode()
    return new if new != data else None


def _of_tree(params: dict[str, Any], data: bytes, seed: int) -> Iterator[tuple[str, bytes]]:
    """One leaf off, one leaf missing; each has to read differently."""
    form = params["format"]
    right = tree.read(data, form)
    lines = data.decode("utf-8").split("\n")
    leaves = [(n, found) for n, line in enumerate(lines) if (found := _LEAF.fullmatch(line))]
    for kind, make in (("value-off", _leaf_off), ("row-missing", lambda _: None)):
        for n, found in _rotated(leaves, seed):
            new = make(found)
            kept = [] if new is None else [new]
            wrong = "\n".join([*lines[:n], *kept, *lines[n + 1 :]]).encode()
            if (new is not None or kind == "row-missing") and _reads_otherwise(wrong, form, right):
                yield kind, wrong
                break


def _leaf_off(found: re.Match[str]) -> str | None:
    value = found["value"]
    bare = value.strip("\"'")
    new = _FLIPPED.get(bare.lower()) or off(bare, "number") or off(bare, "date") or _shorter(bare)
    return None if new is None else found["start"] + value.replace(bare, new) + found["end"]


def _reads_otherwise(data: bytes, form: str, right: tree.Leaves) -> bool:
    try:
        return tree.read(data, form) != right
    except Unreadable:
        return False


def stub(check: Check, data: bytes) -> bytes:
    """The right form with nothing in it: a header, keys, labels, an empty calendar, a function that does nothing."""
    params = check.params
    if check.kind == "table":
        return _stub_of_table(params, data).encode()
    if check.kind == "tree":
        return _stub_of_tree(params).encode()
    if check.kind == "message":
        first = data.split(b"\n", 1)[0].decode("utf-8", "replace")
        return "\n".join([first, "", *(f"{f['label']}:" for f in params["facts"]), ""]).encode()
    if check.kind == "calendar":
        cut = pieces.cut("ics", data)
        return cut.joined([]) if cut else b""
    if check.kind == "code":
        return f"def {params['function']}(*args):\n    return None\n".encode()
    return b"import unittest\n\n\nclass FirstTest(unittest.TestCase):\n    pass\n" if check.kind == "tests" else b""


def _stub_of_table(params: dict[str, Any], data: bytes) -> str:
    blank = json.dumps({c["name"]: None for c in params["columns"]}, ensure_ascii=False)
    if params["format"] in ("json", "jsonl"):
        return f"[{blank}]\n" if params["format"] == "json" else f"{blank}\n"
    if params["format"] == "yaml":
        return "".join(f"{'  ' if n else '- '}{json.dumps(c['name'], ensure_ascii=False)}: null\n" for n, c in enumerate(params["columns"]))
    cut = pieces.cut(params["format"], data)
    return cut.head if cut else ""


def _stub_of_tree(params: dict[str, Any]) -> str:
    names = list(dict.fromkeys(str(path).split(".")[0] for path in params["leaves"]))
    if params["format"] == "json":
        return json.dumps(dict.fromkeys(names)) + "\n"
    return "".join(f"{name}: null\n" if params["format"] == "yaml" else f"[{name}]\n" for name in names)
