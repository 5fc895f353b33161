"""The second call: what do these words state? A quote has to be named as its demand, and no sentence may ask for more.

The model sees single pieces (the quotes and the sentences of the rewording) and a shuffled list of statements: the demands, the
sentences of the compiled wording that state none, and the contraries of demands, which no piece may be named as.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from generators.rewriting.gate import compiled, flat, missing
from generators.rewriting.literals import BACKTICKED
from generators.rewriting.records import Demand, Refusal, Rewording, Wording

OTHER = "other"
SENTENCE_END = re.compile(r"(?<=[.!?…])[\"')\]”]*\s+|\n+")
OPPOSITES = (
    ("lowest", "highest"),
    ("lower", "higher"),
    ("largest", "smallest"),
    ("most", "least"),
    ("oldest", "newest"),
    ("earliest", "latest"),
    ("earlier", "later"),
    ("before", "after"),
    ("first", "last"),
    ("top", "bottom"),
    ("above", "below"),
    ("included", "excluded"),
    ("missing", "present"),
    ("down", "up"),
)
TURNS = (  # the first that fits is taken
    *(turn for one, other in OPPOSITES for turn in ((one, other), (other, one))),
    ("without", "with"),
    ("is not", "is"),
    ("are not", "are"),
    ("does not count", "counts"),
    ("do not count", "count"),
    ("is", "is not"),
    ("are", "are not"),
    ("counts", "does not count"),
    ("count", "do not count"),
)


@dataclass(frozen=True)
class Questions:
    """What the second call asks: statements and pieces by label, and what may be answered.

    `own` has by the name of each demand the labels of what it may be named as (the same demand of another step may say it in other
    words), `quotes` the label of its quote; `contraries` are labels.
    """

    statements: Mapping[str, str]
    pieces: Mapping[str, str]
    own: Mapping[str, frozenset[str]]
    quotes: Mapping[str, str]
    contraries: frozenset[str]


def questions(wording: Wording, new: Rewording) -> Questions:
    """The second call's questions; the order depends on the task and the rewording alone."""
    rng = random.Random(f"{wording.id}/{new.instruction}")
    stated = {d.name: f"{statement(d)}{_context(wording, d)}" for d in wording.demands}
    told = {flat(s): s for s in (*stated.values(), *_untold(wording))}
    turned = [contrary(statement(d)) for d in wording.demands]
    against = {flat(c): c for c in turned if c and flat(c) not in flat(wording.instruction)}
    labels = _labelled("S", {**told, **against}, rng)
    alike: dict[tuple[object, ...], set[str]] = {}
    for demand in wording.demands:
        alike.setdefault(_sense(demand), set()).add(labels[flat(stated[demand.name])])
    pieces = {flat(q): q for q in (*new.quotes.values(), *(s for p in new.passages for s in sentences(p)))}
    asked = _labelled("P", pieces, rng)
    return Questions(
        statements={labels[f]: text for f, text in _by_label({**told, **against}, labels)},
        pieces={asked[f]: text for f, text in _by_label(pieces, asked)},
        own={d.name: frozenset(alike[_sense(d)]) for d in wording.demands},
        quotes={name: asked[flat(q)] for name, q in new.quotes.items()},
        contraries=frozenset(labels[f] for f in against),
    )


def statement(demand: Demand) -> str:
    """A demand as a statement that can be read alone."""
    return f"the result goes into {demand.saying}" if BACKTICKED.fullmatch(demand.saying) else demand.saying


def _context(wording: Wording, demand: Demand) -> str:
    """For what holds of several steps, the sentence in which it is said: it tells of which."""
    found = () if demand.step else sentences(f"{wording.opening}\n\n{wording.closing}")
    full = next((s for s in found if flat(demand.saying) in flat(s)), "")
    return f" (in full: “{full}”)" if len(full.split()) > len(demand.saying.split()) else ""


def contrary(saying: str) -> str:
    """The saying with one word turned round, or empty where no word of it has a contrary."""
    for word, other in TURNS:
        turned, found = re.subn(rf"(?<![\w`-]){word}(?![\w`-])", other, saying, count=1)
        if found:
            return turned
    return ""


def sentences(passage: str) -> list[str]:
    """The sentences of a passage."""
    return [s.strip() for s in SENTENCE_END.split(passage) if s.strip(" \t-*•.")]


def refusals(wording: Wording, asked: Questions, named: Mapping[str, list[str]]) -> list[Refusal]:
    """What is wrong by the second call: `named` has the labels of the statements that each piece makes."""
    unread = [label for label in asked.pieces if label not in named]
    unknown = sorted({n for labels in named.values() for n in labels} - {*asked.statements, OTHER})
    if unread or unknown:
        return [Refusal("unreadable-reading", f"the second call left out {unread} and named {unknown}")]
    return [*_pieces(asked, named), *_demands(wording, asked, named)]


def _pieces(asked: Questions, named: Mapping[str, list[str]]) -> Iterator[Refusal]:
    for label, piece in asked.pieces.items():
        for name in named[label]:
            if name in asked.contraries:
                yield Refusal("named-otherwise", f"“{piece}” was read as “{asked.statements[name]}”")
            elif name == OTHER:
                yield Refusal("asks-more", f"“{piece}” asks for something that the task does not")


def _demands(wording: Wording, asked: Questions, named: Mapping[str, list[str]]) -> Iterator[Refusal]:
    needs = {label: d.literals for d in wording.demands for label in asked.own[d.name]}
    for demand in wording.demands:
        label = asked.quotes[demand.name]
        piece, there = asked.pieces[label], named[label]
        wrong = [n for n in there if n in needs and missing(needs[n], piece)]
        if wrong or not asked.own[demand.name].intersection(there):
            read = "; ".join(asked.statements.get(n, n) for n in wrong or there) or "nothing"
            yield Refusal("named-otherwise", f"'{demand.name}': “{piece}” was read as “{read}”", ("quotes", demand.name))


def _sense(demand: Demand) -> tuple[object, ...]:
    """What makes demands of several steps one and the same: the spec's own demand, with the same literals."""
    name = demand.name.partition("-")[2] if demand.step else demand.name
    return re.sub(r"-\d+$", "", name), demand.literals


def _untold(wording: Wording) -> Iterator[str]:
    """Sentences of the compiled wording in which no demand is stated: the story."""
    said = [flat(d.saying) for d in wording.demands]
    for passage in compiled(wording).passages:
        yield from (s for s in sentences(passage) if not any(part in flat(s) for part in said))


def _labelled(letter: str, texts: Mapping[str, str], rng: random.Random) -> dict[str, str]:
    """Labels for texts, in a shuffled order."""
    order = sorted(texts)
    rng.shuffle(order)
    return {text: f"{letter}{number}" for number, text in enumerate(order, 1)}


def _by_label(texts: Mapping[str, str], labels: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(texts.items(), key=lambda pair: int(labels[pair[0]][1:]))
