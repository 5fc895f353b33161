"""What words must keep: paths, quoted values, numbers and dates, names, words for columns. All are read off the text itself."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Iterator

from generators.rewriting.records import Literal
from generators.words import grammar

MARKS = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'"})
BACKTICKED = re.compile(r"`([^`\n]+)`")
QUOTED = re.compile(r'"([^"\n]+)"')
PLAIN_PATH = re.compile(
    r"https?://\S+|[\w.+-]+@[\w-]+\.[\w.]+|[\w.~-]*/[\w./-]*[^\W\d_][\w./-]*"
    r"|\b[\w-]+\.(?:csv|tsv|jsonl?|ya?ml|toml|ini|md|txt|log|html?|xml|ics|mbox|eml|sqlite|xlsx|py|zip|pdf)\b"
)
LIST_MARKER = re.compile(r"(?m)^\s*\d+[.)]\s")
FIGURES = re.compile(r"(?<![^\W_])(\d+(?:[.,:/T-]\d+)*)(?:st|nd|rd|th)?(?![^\W_])")
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
LONG_DATE = re.compile(rf"(?<!\w)\d{{1,2}} (?:{MONTHS})(?: \d{{4}})?(?!\w)")  # a day of one month is another number than that of another
THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
WORD = re.compile(r"(?<!\w)[^\W\d_]+(?:[-'][^\W\d_]+)*(?!\w)")
STARTS = ".!?:;…\n\"'()[]–—*•-"  # after these a capital may be the sentence's, not the word's
ANY_TWO = frozenset("any between each every if no of when whenever where".split())  # `where two are level` counts nothing
NO_NAMES = frozenset({"I", "OK", "PS"})


@functools.lru_cache(maxsize=16)
def plain(text: str) -> str:
    """The text with one kind of quotation marks and single blanks; line ends stay."""
    return "\n".join(" ".join(line.split()) for line in text.translate(MARKS).splitlines())


def literals(text: str, people: Collection[str] = (), columns: Iterable[str] = ()) -> tuple[Literal, ...]:
    """All literals of a text, by kind and in order; `people` are names known to be such, `columns` words that mean a column."""
    text = plain(text)
    found = [Literal("path", p) for p in paths(text)]
    found += [Literal("quoted", q) for q in quoted(text)]
    found += [Literal("number", n) for n in numbers(text)]
    found += [Literal("name", n) for n in names(text, people)]
    found += [Literal("column", c) for c in columns if has_column(_prose(text), c)]
    return tuple(dict.fromkeys(found))


@functools.lru_cache(maxsize=16)
def paths(text: str) -> tuple[str, ...]:
    """What stands in backticks, in order, then paths and addresses that stand without."""
    return (*BACKTICKED.findall(text), *(p.rstrip(".,;:") for p in PLAIN_PATH.findall(_prose(text))))


def quoted(text: str) -> tuple[str, ...]:
    """Values in quotation marks, in order."""
    return tuple(str(q).strip(" .,;") for q in QUOTED.findall(plain(text)))


@functools.lru_cache(maxsize=16)
def numbers(text: str) -> tuple[str, ...]:
    """Numbers, dates and times as written, in order; those in words as figures. `one`, `first` and `second` are too common to count."""
    prose = LIST_MARKER.sub("", PLAIN_PATH.sub(" ", _prose(text)))
    found = [(m.start(), " ".join(m[0].split())) for m in LONG_DATE.finditer(prose)]
    prose = LONG_DATE.sub(lambda m: "\ufffc" * len(m[0]), prose)
    found += [(m.start(), _figures(m[1])) for m in FIGURES.finditer(prose)]
    before = ""
    for start, word in _words(prose):
        if word != "two" or before not in ANY_TWO:
            found += [(start, number) for number in _spelt(word.lower())]
        before = word.lower()
    return tuple(number for _, number in sorted(found))


def names(text: str, people: Collection[str] = ()) -> list[str]:
    """Names, in order: words with a capital inside a sentence, words in capitals, and the people where they occur."""
    prose = _prose(plain(text))
    return [word for start, word in _words(prose) if word not in NO_NAMES and _is_name(prose, start, word, people)]


def words(text: str) -> set[str]:
    """All words of a text, in small letters."""
    return {word.lower() for _, word in _words(plain(text))}


def has_column(text: str, column: str) -> bool:
    """Whether the words of a column, in the plural too or as a file spells them, stand in the text."""
    flat = plain(text).lower().replace("\n", " ").replace("_", " ")
    return column.lower() in flat and re.search(rf"(?<!\w){re.escape(column.lower())}(?:e?s)?(?!\w)", flat) is not None


def has_word(text: str, word: str) -> bool:
    """Whether a word stands in the text, spelt like this."""
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", plain(text)) is not None


def _prose(text: str) -> str:
    """The text with a mark in the place of what is in backticks."""
    return BACKTICKED.sub("\ufffc", text)


def _figures(number: str) -> str:
    return number.replace(",", "") if THOUSANDS.fullmatch(number) else number


def _words(prose: str) -> Iterator[tuple[int, str]]:
    for match in WORD.finditer(prose):
        word = match[0]
        yield match.start(), word[:-2] if word.endswith("'s") else word


def _is_name(prose: str, start: int, word: str, people: Collection[str]) -> bool:
    if word in people or (len(word) > 1 and word.isupper()):
        return True
    if not word[0].isupper() or word.startswith("I'"):
        return False
    before = prose[max(0, start - 40) : start].rstrip(" ")
    return bool(before) and before[-1] not in STARTS


@functools.cache
def _in_words() -> dict[str, str]:
    """Number words, also ordinals, and what each is in figures."""
    known = {"dozen": "12", "hundred": "100", "thousand": "1000"}
    for number in range(2, 100):
        spelt = str(grammar().number_to_words(number))
        known[spelt] = str(number)
        if number > 2:
            known[str(grammar().ordinal(spelt))] = str(number)
    return known


def _spelt(word: str) -> list[str]:
    """The numbers in a word: `twenty-four` is one, `two-week` has one."""
    known = _in_words()
    return [known[word]] if word in known else [known[part] for part in word.split("-") if part in known]
