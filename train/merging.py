"""Calls of one rollout merged by common prefix: as few sequences as possible, token for token what the model saw and said.

A harness sends the whole conversation with each call, so call by call the same tokens would be trained on many times over.
Where a call's prompt begins with all that an earlier one saw and said, it continues that one's sequence. Where a harness rewrote
its history, or asked twice, the calls form a tree, and each further branch is a sequence of its own that repeats what it shares
with mask 0: seen, not said again. So each token that the model said is trained once, after exactly what it was said after.

Why there can be no fewer. Call i can stand before call j in one sequence if, and only if, all that i saw and said is a prefix of
j's prompt. This orders the calls (what is said is never empty), and a sequence is a chain of them. The fewest chains are those with
the most links, each from a call to the one that continues it. The calls that can continue i are those in i's subtree of the prefix
tree, and two subtrees are nested or apart. So giving each call the deepest free end above it costs no link: any later call that
could have had this end can have the shallower one instead. Where no token was said twice in the same place, calls that can't share
a sequence are those on different branches, and the number of sequences is that of the tree's leaves. Where one was (the same answer
sampled twice), it is the largest number of calls no two of which fit into one sequence (Dilworth's theorem).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from specs.records import Call
from specs.tokens import Span


@dataclass(frozen=True)
class Turn:
    """One call in tokens: what the model saw, what it said, and the log-probabilities of that (as many), or () where nobody told."""

    prompt: tuple[int, ...]
    said: tuple[int, ...]
    logprobs: tuple[float, ...] = ()

    @property
    def whole(self) -> tuple[int, ...]:
        return self.prompt + self.said


@dataclass(frozen=True)
class Merged:
    """Calls in one sequence. `mask` is 1 on what they said, and `spans` says which said what.

    `logprobs` are 0.0 elsewhere, and () unless they are known for all that was said.
    """

    input_ids: tuple[int, ...]
    mask: tuple[int, ...]
    logprobs: tuple[float, ...]
    spans: tuple[Span, ...]


def recorded(calls: Iterable[Call]) -> list[Turn]:
    """Calls as turns of the tokens that the endpoint gave. Log-probabilities that are not one a token are left out."""
    return [Turn(c.prompt_ids, c.completion_ids, c.logprobs if len(c.logprobs) == len(c.completion_ids) else ()) for c in calls]


def merge(turns: Sequence[Turn]) -> list[Merged]:
    """The fewest sequences for the turns, in order of their first; turns that say nothing teach nothing, and are in none of them.

    In whatever order the turns come: the number of sequences, and what is trained after what, stay the same. Only which of several
    branches carries what they share is the order's: the one whose call comes first.
    """
    return [_merged(turns, chain) for chain in sorted(chains(turns))]


def chains(turns: Sequence[Turn]) -> list[list[int]]:
    """The turns' numbers as the fewest chains in which each turn's prompt begins with all of the turn before it."""
    found: list[list[int]] = []
    ends: list[tuple[int, ...]] = []  # what the last turn of each chain saw and said
    for n in sorted((n for n, turn in enumerate(turns) if turn.said), key=lambda n: len(turns[n].prompt)):
        fitting = [c for c, end in enumerate(ends) if turns[n].prompt[: len(end)] == end]
        if fitting:
            deepest = max(fitting, key=lambda c: len(ends[c]))
            found[deepest].append(n)
            ends[deepest] = turns[n].whole
        else:
            found.append([n])
            ends.append(turns[n].whole)
    return found


def _merged(turns: Sequence[Turn], chain: Sequence[int]) -> Merged:
    ids = turns[chain[-1]].whole
    spans = tuple(Span(n, len(turns[n].prompt), len(turns[n].whole)) for n in chain)
    mask, logprobs = [0] * len(ids), [0.0] * len(ids)
    for span in spans:
        mask[span.start : span.end] = [1] * (span.end - span.start)
        logprobs[span.start : span.end] = turns[span.call].logprobs
    told = all(turns[n].logprobs for n in chain)
    return Merged(ids, tuple(mask), tuple(logprobs) if told else (), spans)


def differing(merged: Merged, alone: Sequence[Turn]) -> int:
    """Tokens in which a sequence is not what its calls saw and said, each taken `alone`: those that differ or lack, over all calls."""
    return sum(_differing(merged.input_ids[: s.end], alone[s.call].whole) for s in merged.spans)


def _differing(ids: tuple[int, ...], others: tuple[int, ...]) -> int:
    if ids == others:
        return 0
    return sum(a != b for a, b in zip(ids, others, strict=False)) + abs(len(ids) - len(others))
