"""A short message: each fact on a line of its own as `Label: value`, once; the person named first; not too long."""

from __future__ import annotations

import re
from typing import Any

from verifiers import parsing, reading
from verifiers.reading import shown
from verifiers.snapshot import Unreadable, View

INEXACT = 0.5
LONGEST_LINE = 2000
_BULLET = re.compile(r"^(?:[-*+•>#]|[0-9]{1,3}[.)])+\s+")
_EMPHASIS = re.compile(r"\*{1,3}|_{2,3}|`+")
_SUBJECT = "following|above|below|this|these|that|it|all|figures?|numbers?|values?|facts?|lines?"
_BE = r"(?:is|are|was|were)"
_FALSE = "wrong|incorrect|false|untrue|inaccurate|invalid"
_TRUE = "true|right|correct|accurate|valid"
_FIGURE = rf"\s*(?:{_BE}|equals?|comes to|=|:)\s*(?P<value>[+-]?[0-9][0-9.,]*)"
_BEFORE = r"(?:^|[.;,(!?–—-]\s*|\b(?:the|real|actual|true|correct|right)\s+)"


def check(params: dict[str, Any], view: View) -> tuple[float, str]:
    """1.0 when all facts, the greeting and the length are right; else at most 0.5, by the share of facts carried."""
    path = params["path"]
    try:
        text = parsing.text_of(view.read(path))
    except Unreadable as error:
        return 0.0, f"{path}: {error}"
    lines = [reading.plain(line) for line in re.split(r"\r\n|\r|\n", text)]
    if any(len(line) > LONGEST_LINE for line in lines):
        return 0.0, f"{path}: a line of more than {LONGEST_LINE} characters"
    problems = {fact["label"]: why for fact in params["facts"] if (why := _problem(fact, lines))}
    faults = [*problems.values(), *_manner(params, lines), *_denials(params, lines)]
    if not faults:
        return 1.0, ""
    carried = (len(params["facts"]) - len(problems)) / len(params["facts"])
    return INEXACT * carried if view.touched(path) else 0.0, f"{path}: {faults[0]}"


def labelled(line: str) -> tuple[str, str] | None:
    """(label, value) of a line such as `- **Total:** 12.50`, the label in lower case; None for other lines."""
    bare = _EMPHASIS.sub("", _BULLET.sub("", line, count=1))
    label, colon, value = bare.partition(":")
    return (_folded(label), value.strip()) if colon else None


def _folded(label: str) -> str:
    return " ".join(reading.plain(label).casefold().split())


def _problem(fact: dict[str, Any], lines: list[str]) -> str:
    """What is wrong with one fact, or nothing."""
    label = _folded(fact["label"])
    kind = reading.kind_of(fact)
    expected = reading.value(fact["value"], kind)
    found = [(pair[1], line.partition(":")[2].strip()) for line in lines if (pair := labelled(line)) and pair[0] == label]
    if not found:
        return f"no line `{fact['label']}: ...`"
    if len(found) > 1:
        return f"{fact['label']} is given {len(found)} times"
    if not any(reading.value(v, kind) == expected for written in found[0] for v in (written, written.rstrip(".;,"))):
        return f"{fact['label']} is given as {shown(found[0][0])}"
    return _contradiction(fact, label, kind, lines)


def _contradiction(fact: dict[str, Any], label: str, kind: reading.Kind, lines: list[str]) -> str:
    """A sentence elsewhere that gives the label another figure."""
    pattern = re.compile(rf"{_BEFORE}{re.escape(label)}(?!\w){_FIGURE}")
    for line in lines:
        pair = labelled(line)
        if pair and pair[0] == label:
            continue
        for match in pattern.finditer(_folded(_EMPHASIS.sub("", _BULLET.sub("", line, count=1)))):
            figure = match["value"].rstrip(".,")
            if reading.value(figure, kind) != reading.value(fact["value"], kind):
                return f"{fact['label']} is given as {shown(figure)} in another place"
    return ""


def _manner(params: dict[str, Any], lines: list[str]) -> list[str]:
    faults = []
    first = next((line for line in lines if line), "")
    name = params["greeting"]
    if name is not None and not re.search(rf"(?<!\w){re.escape(reading.plain(name).casefold())}(?!\w)", first.casefold()):
        faults.append(f"the first line does not name {name}")
    words = sum(any(c.isalnum() for c in word) for line in lines for word in line.split())
    if params["max_words"] is not None and words > params["max_words"]:
        faults.append(f"{words} words, more than {params['max_words']}")
    return faults


def _denials(params: dict[str, Any], lines: list[str]) -> list[str]:
    """Lines that take the facts back: the following is not true, the total is wrong, ignore the figures below."""
    labels = {_folded(f["label"]) for f in params["facts"]}
    subject = "|".join([_SUBJECT, *map(re.escape, sorted(labels))])
    denial = re.compile(
        rf"(?<!\w)(?:{subject})\s+{_BE}(?:n't)?\s+(?:all\s+)?(?:{_FALSE})(?!\w)"
        rf"|(?<!\w)(?:{subject})\s+{_BE}(?:n't|\s+not|\s+never)\s+(?:\w+\s+)?(?:{_TRUE})(?!\w)"
        rf"|\bnone of\s+(?:the\s+|these\s+)?(?:{subject})\s+{_BE}\s+(?:{_TRUE})(?!\w)"
        r"|\b(?:ignore|disregard)\s+(?:(?:the|these|this|those|all)\s+)*(?:following|above|below|figures|numbers|values|facts|lines)\b"
    )
    for line in lines:
        pair = labelled(line)
        if pair and pair[0] in labels:
            continue  # its value was compared as a whole
        if denial.search(_folded(_EMPHASIS.sub("", line.replace("’", "'")))):
            return [f"it takes back what it says: {shown(line)}"]
    return []
