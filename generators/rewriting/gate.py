"""What a rewording must hold, whoever wrote it: every demand quoted with its literals, nothing lost, nothing added. Pure.

Whether a quote means what its demand says is not seen here: for a model's words a second call asks that (readback.py), for words
by hand the reader of the pull request.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from generators.rewriting.literals import has_column, has_word, names, numbers, paths, plain, quoted, words
from generators.rewriting.records import Demand, Literal, Refusal, Rewording, Wording
from specs import hints

SHORTEST, LONGEST = 0.5, 1.7  # words of a rewording, as shares of the compiled wording's
Find = Callable[[str], Sequence[str]]
IN_ORDER: dict[str, Find] = {"path": paths, "quoted": quoted, "number": numbers}  # the order of such literals means something
QUOTE_WORDS = 20  # that a quote may have beyond twice those of the saying: a quote of everything shows nothing


def refusals(wording: Wording, new: Rewording) -> list[Refusal]:
    """All that is wrong with a rewording; empty where it may be taken."""
    shape = list(_shape(wording, new))
    if shape:
        return shape
    return [*_letters(new), *_length(wording, new), *_lost(wording, new), *_added(wording, new), *_quotes(wording, new)]


def compiled(wording: Wording) -> Rewording:
    """The compiled wording itself as a rewording: it passes, and is what one by hand starts from."""
    return Rewording(wording.opening, wording.steps, wording.closing, {d.name: d.saying for d in wording.demands})


def place_of(demand: Demand, new: Rewording) -> str:
    """The words in which a demand has to be quoted: its own step's, or for what holds of all steps those before and after them."""
    return new.steps[demand.step - 1] if demand.step else f"{new.opening}\n\n{new.closing}"


@functools.lru_cache(maxsize=512)
def flat(text: str) -> str:
    """The form in which quotes are looked for: one line, small letters, no punctuation at the ends."""
    return " ".join(plain(text).split()).casefold().strip(" .,;:")


def _shape(wording: Wording, new: Rewording) -> Iterator[Refusal]:
    if len(new.steps) != len(wording.steps):
        yield Refusal("steps", f"has {len(new.steps)} steps, the task {len(wording.steps)}", ("steps",))
    for number, text in enumerate(new.steps):
        if not text.strip():
            yield Refusal("steps", "is empty", ("steps", number))
    known = [d.name for d in wording.demands]
    for name in new.quotes:
        if name not in known:
            yield Refusal("unknown-demand", f"the task has no demand '{name}'", ("quotes", name), hints.among(name, known))


def _letters(new: Rewording) -> Iterator[Refusal]:
    for steps, text in _passages(new):
        strange = sorted({c for c in text if not (c.isprintable() or c == "\n")})
        if strange:
            yield Refusal("characters", f"has characters that nobody sees: {', '.join(f'U+{ord(c):04X}' for c in strange)}", steps)
        if any(line.count("`") % 2 for line in text.splitlines()):
            yield Refusal("characters", "has a backtick without its partner", steps)


def _passages(new: Rewording) -> Iterator[tuple[tuple[str | int, ...], str]]:
    yield ("opening",), new.opening
    yield from ((("steps", number), text) for number, text in enumerate(new.steps))
    yield ("closing",), new.closing


def _length(wording: Wording, new: Rewording) -> Iterator[Refusal]:
    before, now = len(wording.instruction.split()), len(new.instruction.split())
    if not SHORTEST * before <= now <= LONGEST * before:
        yield Refusal("length", f"has {now} words where the compiled wording has {before}")


def _text(wording: Wording) -> str:
    """The compiled wording without the numbers of a list."""
    return compiled(wording).instruction


def _lost(wording: Wording, new: Rewording) -> Iterator[Refusal]:
    before, now = _text(wording), new.instruction
    for kind, find in IN_ORDER.items():
        there = set(find(now))
        for text in dict.fromkeys(find(before)):
            if text not in there:
                yield Refusal(f"lost-{kind}", f"{shown(Literal(kind, text))} is lost")
    for name in dict.fromkeys(names(before, wording.people)):
        if not has_word(now, name):
            yield Refusal("lost-name", f"the name {name} is lost")


def _added(wording: Wording, new: Rewording) -> Iterator[Refusal]:
    before, now = _text(wording), new.instruction
    for kind in ("path", "number"):
        known = set(IN_ORDER[kind](before))
        for text in dict.fromkeys(IN_ORDER[kind](now)):
            if text not in known:
                yield Refusal(f"added-{kind}", f"{shown(Literal(kind, text))} was added")
    known_words = words(before) | {p.lower() for p in wording.people}
    for name in dict.fromkeys(names(now)):
        if name.lower() not in known_words:
            yield Refusal("added-name", f"the name {name} was added")


def _quotes(wording: Wording, new: Rewording) -> Iterator[Refusal]:
    for demand in wording.demands:
        quote = new.quotes.get(demand.name, "")
        steps = ("quotes", demand.name) if demand.name in new.quotes else ("quotes",)
        yield from (Refusal(reason, what, steps) for reason, what in _quote(demand, quote, new))
    yield from _shared(wording.demands, new.quotes)


def _quote(demand: Demand, quote: str, new: Rewording) -> Iterator[tuple[str, str]]:
    if not quote.strip():
        yield "lost-demand", f"nothing is quoted for '{demand.name}' ({demand.saying})"
        return
    if flat(quote) not in flat(place_of(demand, new)):
        where = f"step {demand.step}" if demand.step else "the opening or the closing"
        yield "quote-not-there", f"'{demand.name}': the quote does not occur in {where}"
    if len(quote.split()) > 2 * len(demand.saying.split()) + QUOTE_WORDS:
        yield "quote-too-long", f"'{demand.name}': the quote is much longer than the demand"
    for literal in missing(demand.literals, quote):
        yield "quote-lacks-literal", f"'{demand.name}': the quote lacks {shown(literal)}, or has it in another order"


def missing(literals: Sequence[Literal], text: str) -> list[Literal]:
    """Those of a demand's literals that the text lacks. Paths, values and numbers have to come in the same order."""
    lacking = []
    for kind, find in IN_ORDER.items():
        wanted = [one for one in literals if one.kind == kind]
        there = find(text) if wanted else []
        at = 0
        for one in wanted:
            if one.text in there[at:]:
                at = there.index(one.text, at) + 1
            else:
                lacking.append(one)
    lacking += [one for one in literals if one.kind == "name" and not has_word(text, one.text)]
    lacking += [one for one in literals if one.kind == "column" and not has_column(text, one.text)]
    return lacking


def _shared(demands: Iterable[Demand], quotes: Mapping[str, str]) -> Iterator[Refusal]:
    """Two demands of one place can't rest on the very same words, unless they are said alike as they are compiled."""
    seen: dict[tuple[int, str], Demand] = {}
    for demand in demands:
        words_of_it = flat(quotes.get(demand.name, ""))
        first = seen.setdefault((demand.step, words_of_it), demand)
        if words_of_it and flat(first.saying) != flat(demand.saying):
            yield Refusal("quote-shared", f"'{first.name}' and '{demand.name}' have the same quote", ("quotes", demand.name))


def shown(literal: Literal) -> str:
    """A literal as a text has it."""
    return {"path": f"`{literal.text}`", "quoted": f"“{literal.text}”", "name": literal.text}.get(literal.kind, f"'{literal.text}'")
