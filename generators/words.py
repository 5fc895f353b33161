"""Words: sandboxed Jinja over what a task is about, with the grammar that English asks for."""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from unittest import mock

import typeguard
from jinja2 import StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment

from generators.relations import Column
from specs import digests

with mock.patch.object(typeguard, "typechecked", lambda function: function):
    import inflect  # checked at run time, its import alone takes as long as compiling ten tasks

NOTHING = "\ufffc"  # stands where a demand goes unsaid, until `closed` closes the gap
GAPS = (
    (re.compile(rf"\(\s*{NOTHING}\s*\)"), ""),
    (re.compile(rf":\s*{NOTHING}\s*[;,]\s*"), ": "),
    (re.compile(rf"(^|[.!?(]\s*){NOTHING}\s*(?:[.!?;,:]\s*(?:(?:and|but|so)\s+)?|,?\s*(?:and|but|so)\s+|(?=\)))"), r"\1"),
    (re.compile(rf"(?:\s*[;,:–]|\s)(?:\s*(?:and|but|also|so|then))?\s*{NOTHING}(?=\s*[.;,:!?)])"), ""),
    (re.compile(rf"{NOTHING}\s*[;,]\s*(?:and |but )?"), ""),
    (re.compile(r"\s+([.;,!?)])"), r"\1"),
)
MONTHS = (  # not the locale's
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip


class Named:
    """A thing that an instruction names: prints as its full phrase, with parts for those who need less."""

    def __init__(self, phrase: str, file: str, one: str, many: str):
        self.phrase, self.file, self.one, self.many = phrase, file, one, many

    def __str__(self) -> str:
        return self.phrase


class ColumnWord:
    """A column in a sentence: its words; `.name` is how files spell it, `.unit` its unit, `.best` and `.worst` its ends as people value
    them (lowest, highest)."""

    def __init__(self, column: Column):
        self.name, self.unit = f"`{column.name}`", column.unit
        self.best, self.worst = ("lowest", "highest") if column.better == "low" else ("highest", "lowest")
        self._words = column.words

    def __str__(self) -> str:
        return self._words


@functools.cache
def grammar() -> inflect.engine:
    """The one grammar engine: articles, plurals, numbers in words."""
    return inflect.engine()


def article(text: Any) -> str:
    """`an amount`, `a unit`."""
    return str(grammar().a(str(text)))


def quoted(text: Any) -> str:
    """A value as a sentence quotes it."""
    return f"“{text}”"


def in_words(number: int) -> str:
    """Numbers to twelve in letters, others in figures."""
    return str(grammar().number_to_words(number)) if 0 <= int(number) <= 12 else str(number)


def sentence(text: Any) -> str:
    """The text with a capital at its start (a path in backticks stays)."""
    plain = str(text).strip()
    return plain[:1].upper() + plain[1:]


def plural(text: Any, number: int = 2) -> str:
    """The noun as the number asks for it."""
    return str(text) if int(number) == 1 else str(grammar().plural_noun(str(text)) or text)


def joined(items: list[str]) -> str:
    """`a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def month(day: Any) -> str:
    """The month of a day that `spoken` made: `2026-03`, `March 2026`."""
    text = str(day)
    return text[:7] if text[:4].isdigit() else text.partition(" ")[2]


FILTERS = {"a": article, "q": quoted, "words": in_words, "s": sentence, "plural": plural, "month": month}


@functools.cache
def environment() -> SandboxedEnvironment:
    """The sandboxed environment of all wording."""
    env = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    env.filters.update(FILTERS)
    return env


@functools.lru_cache(maxsize=4096)
def _template(text: str) -> Template:
    return environment().from_string(text)


def render(text: str, words: dict[str, Any]) -> str:
    """A saying with its words in place, blanks collapsed. Raises jinja2.UndefinedError for an unknown word."""
    return " ".join(_template(text).render(words).split())


def closed(text: str) -> str:
    """The text without the gaps of unsaid demands. Raises ValueError where a gap can't be closed."""
    if NOTHING not in text:
        return text
    for pattern, put in GAPS:
        while (shorter := pattern.sub(put, text)) != text:  # a gap that follows a gap has its beginning only once that is closed
            text = shorter
    if NOTHING in text:
        raise ValueError(f"a demand can't be left out of: {text.replace(NOTHING, '___')}")
    text = re.sub(r"([.!?] )([a-z])", lambda m: m[1] + m[2].upper(), text)
    return " ".join(text.split())


def spoken(value: Any, style: str) -> Any:
    """A parameter as a sentence has it: days and moments as `iso` (2026-03-09 14:05) or `long` (9 March 2026, 14:05)."""
    if not isinstance(value, date):
        return value
    day = value.strftime("%Y-%m-%d") if style == "iso" else f"{value.day} {MONTHS[value.month - 1]} {value.year}"
    if not isinstance(value, datetime):
        return day
    return f"{day}{' ' if style == 'iso' else ', '}{value:%H:%M}"


def lost(text: str, sayings: Sequence[str]) -> str | None:
    """The first saying that does not stand in the text, each at a place of its own; None where all do. Case and blanks don't count."""
    left = " ".join(text.lower().split())
    for saying in sorted(sayings, key=len, reverse=True):
        at = left.find(saying.lower())
        if at < 0:
            return saying
        left = left[:at] + "\0" * len(saying) + left[at + len(saying) :]
    return None


def choose(options: list[str], rng: random.Random) -> str:
    """One of the sayings, so that one more among them changes only the choices that it wins (see generators/plan.py)."""
    salt = rng.getrandbits(64)
    return min(options, key=lambda option: digests.of_bytes(f"{salt}/{option}".encode()))
