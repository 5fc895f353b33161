"""Bytes that an agent wrote, as plain values: JSON, YAML, TOML, INI within bounds, so that hostile input ends in a reason, not a hang."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import yaml
from yaml.events import AliasEvent, CollectionEndEvent, DocumentStartEvent, MappingStartEvent, NodeEvent, ScalarEvent, SequenceStartEvent

from verifiers import reading
from verifiers.snapshot import Unreadable

SLOW_BYTES = 1 << 17  # for YAML and TOML, whose readers are slow
DEPTH = 40
_BLANKS = " \t"  # all that an ini lets be; a no-break space is part of a name
DOTS = 500  # on one line of TOML; its reader takes quadratic time for a dotted key
_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE = {w for word in ("true", "yes", "on") for w in (word, word.capitalize(), word.upper())}
_FALSE = {w for word in ("false", "no", "off") for w in (word, word.capitalize(), word.upper())}
_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9_]*|(?:[0-9][0-9_]*)?\.[0-9]+|[0-9][0-9_]*\.)(?:[eE][-+]?[0-9]{1,2})?")


def text_of(data: bytes) -> str:
    """UTF-8 text, with or without a byte order mark, line ends as they are. Raises Unreadable."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("it is not UTF-8 text") from None
    if "\0" in text:
        raise Unreadable("it holds NUL bytes")
    return text


def number(text: str) -> Decimal:
    """A number of JSON, YAML or TOML. Raises Unreadable for one of absurd length, and for NaN and infinities."""
    read = reading.number(text.replace("_", ""))
    if read is None:
        raise Unreadable(f"{reading.shown(text)} is no number to reckon with")
    return read


def json_of(text: str, numbers: Callable[[str], Any] = number) -> Any:
    """The value of a JSON text; numbers as `numbers` makes of their text. Raises Unreadable, for doubled keys too."""
    try:
        return json.loads(text, parse_int=numbers, parse_float=numbers, parse_constant=number, object_pairs_hook=_unique)
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    except ValueError as error:
        raise Unreadable(f"it is not JSON: {error}") from None


def is_json(text: str) -> bool:
    """Whether a text is a JSON list or object; such a text is YAML by the letter, but not what somebody means by it."""
    if not text.lstrip().startswith(("[", "{")):
        return False
    try:
        json_of(text, str)
    except Unreadable:
        return False
    return True


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise Unreadable(f"the key {reading.shown(key)} occurs twice")
        result[key] = value
    return result


def yaml_of(data: bytes, scalar: Callable[[str], Any] | None = None) -> Any:
    """The value of a YAML document; `scalar` reads plain scalars (default: with YAML's types). JSON is refused.

    Raises Unreadable: for aliases, doubled keys, several documents, depth, and what is not YAML.
    """
    text = _bounded(data)
    if is_json(text):
        raise Unreadable("it is JSON, not YAML")
    try:
        return _built(yaml.parse(text, Loader=yaml.CSafeLoader), scalar or typed)
    except yaml.YAMLError as error:
        raise Unreadable(f"it is not YAML: {' '.join(str(error).split())[:120]}") from None
    except (ValueError, OverflowError, RecursionError) as error:  # escapes like "\UFFFFFFFF", a version of 5000 digits
        raise Unreadable(f"it is not YAML: {str(error)[:120]}") from None


def _built(events: Iterable[Any], scalar: Callable[[str], Any]) -> Any:
    """A value from events, without recursion; each open collection is a list of what it holds so far."""
    root: list[Any] = []
    opened: list[tuple[bool, list[Any]]] = [(False, root)]
    documents = 0
    for event in events:
        documents += isinstance(event, DocumentStartEvent)
        if documents > 1:
            raise Unreadable("it holds several YAML documents")
        if isinstance(event, NodeEvent) and (isinstance(event, AliasEvent) or event.anchor):
            raise Unreadable("YAML anchors and aliases are not accepted")
        if isinstance(event, SequenceStartEvent | MappingStartEvent):
            opened.append((isinstance(event, MappingStartEvent), []))
            if len(opened) > DEPTH:
                raise Unreadable("it is nested too deeply")
        elif isinstance(event, ScalarEvent):
            mapping, items = opened[-1]
            key = mapping and len(items) % 2 == 0
            plain = event.implicit[0] and not event.style
            items.append(scalar(event.value) if plain and not key else event.value)
        elif isinstance(event, CollectionEndEvent):
            mapping, items = opened.pop()
            opened[-1][1].append(_mapping(items) if mapping else items)
    return root[0] if root else None


def _mapping(items: list[Any]) -> dict[str, Any]:
    keys = items[::2]
    if not all(isinstance(k, str) for k in keys):
        raise Unreadable("a YAML key is not plain text")
    return _unique(zip(keys, items[1::2], strict=True))


def typed(text: str) -> Any:
    """A plain YAML scalar: null, true, a number or text. Dates and clock times stay text, whatever YAML 1.1 made of 18:30."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    return number(text) if _NUMBER.fullmatch(text) else text


def untyped(text: str) -> str | None:
    """A plain YAML scalar as a table's cell: its text, or None."""
    return None if text in _NULL else text


def toml_of(data: bytes) -> Any:
    """The value of a TOML document; dates and times as ISO text. Raises Unreadable."""
    text = _bounded(data)
    if any(line.count(".") > DOTS for line in text.splitlines()):
        raise Unreadable("it is nested too deeply")
    try:
        return _jsonlike(tomllib.loads(text, parse_float=number), 0)
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    except ValueError as error:
        raise Unreadable(f"it is not TOML: {str(error)[:120]}") from None


def ini_of(data: bytes) -> dict[str, Any]:
    """The value of an ini file: a mapping for each part of a section's dotted name. Raises Unreadable.

    Keys end in = or :, comments stand on lines of their own. Numbers and truth values are read as such unless they are in quotes.
    """
    tree: dict[str, Any] = {}
    section: dict[str, Any] | None = None
    seen: set[str] = set()
    for line in (line.strip(_BLANKS) for line in _bounded(data).replace("\r", "\n").split("\n")):
        if not line or line[0] in "#;":
            continue
        if line[0] == "[" and line[-1] == "]":
            if line in seen:
                raise Unreadable(f"the section {reading.shown(line)} occurs twice")
            seen.add(line)
            section = _section(tree, line[1:-1].strip(_BLANKS))
            continue
        key, sign, text = line.partition("=" if "=" in line and ":" not in line.partition("=")[0] else ":")
        if not sign or section is None:
            raise Unreadable(f"it is not INI: {reading.shown(line)} is no setting of a section")
        key = key.strip(_BLANKS)
        if key in section:
            raise Unreadable(f"the key {reading.shown(key)} occurs twice")
        section[key] = _ini_value(text.strip(_BLANKS))
    return tree


def _section(tree: dict[str, Any], name: str) -> dict[str, Any]:
    parts = name.split(".")
    if len(parts) > DEPTH:
        raise Unreadable("it is nested too deeply")
    for part in parts:
        tree = tree.setdefault(part.strip(_BLANKS), {})
        if not isinstance(tree, dict):
            raise Unreadable(f"the section {reading.shown(name)} is a setting as well")
    return tree


def _ini_value(text: str) -> Any:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        try:
            return json_of(text) if text[0] == '"' else text[1:-1]
        except Unreadable:
            return text[1:-1]
    return typed(text) if text else ""


def _jsonlike(value: Any, depth: int) -> Any:
    if depth > DEPTH:
        raise Unreadable("it is nested too deeply")
    if isinstance(value, dict):
        return {k: _jsonlike(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [_jsonlike(v, depth + 1) for v in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return number(str(value))
    return value.isoformat() if isinstance(value, date | datetime | time) else value


def _bounded(data: bytes) -> str:
    if len(data) > SLOW_BYTES:
        raise Unreadable(f"it is too large to be looked at ({len(data)} bytes)")
    return text_of(data)


def equal(expected: Any, got: Any) -> bool:
    """Whether two JSON-like values are the same: numbers by value (1 is 1.0, true is not 1), lists in order, objects by key."""
    if isinstance(expected, bool) or isinstance(got, bool) or expected is None or got is None:
        return expected is got
    if isinstance(expected, int | float | Decimal):
        return isinstance(got, int | float | Decimal) and _settled(expected) == _settled(got)
    if isinstance(expected, list):
        return isinstance(got, list) and len(expected) == len(got) and all(map(equal, expected, got))
    if isinstance(expected, dict):
        return isinstance(got, dict) and expected.keys() == got.keys() and all(equal(v, got[k]) for k, v in expected.items())
    return isinstance(got, str) and reading.plain(str(expected)) == reading.plain(got)


def _settled(value: int | float | Decimal) -> Decimal:
    return reading.settled(value if isinstance(value, Decimal) else Decimal(str(value)), 6)
