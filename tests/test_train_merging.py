"""Merging calls by common prefix: nothing said is lost or invented, and there are no fewer sequences."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from specs.records import Call
from specs.tokens import Span
from train import merging
from train.merging import Merged, Turn, merge

TOKENS = st.lists(st.integers(0, 2), max_size=3).map(tuple)  # of so few that histories meet by chance


def told(prompt: tuple[int, ...], said: tuple[int, ...], number: int = 0) -> Turn:
    return Turn(prompt, said, tuple(-1.0 - number - n / 8 for n in range(len(said))))


@st.composite
def trees(draw: st.DrawFn, most: int = 7) -> list[Turn]:
    """Calls of which each may go on from any part of an earlier one, the very same call included."""
    turns: list[Turn] = []
    for n in range(draw(st.integers(0, most))):
        earlier = draw(st.sampled_from([(), *(t.whole for t in turns), *(t.prompt for t in turns)]))
        kept = earlier[: draw(st.integers(0, len(earlier)))] if draw(st.booleans()) else earlier
        turns.append(told(kept + draw(TOKENS), draw(TOKENS), n))
    return turns


@st.composite
def growing(draw: st.DrawFn) -> list[Turn]:
    """A history that only grows; each call says something."""
    turns: list[Turn] = []
    for n in range(draw(st.integers(1, 8))):
        before = turns[-1].whole if turns else ()
        turns.append(told(before + draw(TOKENS), (*draw(TOKENS), 1), n))
    return turns


def trained(merged: list[Merged]) -> Counter[tuple[int, int, int, float]]:
    """(call, position, token, log-probability) of all that a loss is taken on, by the mask."""
    found: Counter[tuple[int, int, int, float]] = Counter()
    for sequence in merged:
        owner = {position: span.call for span in sequence.spans for position in range(span.start, span.end)}
        for position, (token, own) in enumerate(zip(sequence.input_ids, sequence.mask, strict=True)):
            if own:
                found[owner[position], position, token, sequence.logprobs[position]] += 1
    return found


def sampled(turns: list[Turn]) -> Counter[tuple[int, int, int, float]]:
    return Counter(
        (n, len(turn.prompt) + position, token, turn.logprobs[position])
        for n, turn in enumerate(turns)
        for position, token in enumerate(turn.said)
    )


def fit(a: Turn, b: Turn) -> bool:
    """Whether one sequence has room for both."""
    return b.prompt[: len(a.whole)] == a.whole or a.prompt[: len(b.whole)] == b.whole


def apart(turns: list[Turn]) -> int:
    """The largest number of calls no two of which fit into one sequence, by trying all."""
    speaking = [t for t in turns if t.said]
    sizes = range(len(speaking), 0, -1)
    return next((n for n in sizes for some in combinations(speaking, n) if not any(fit(a, b) for a, b in combinations(some, 2))), 0)


@given(trees())
@settings(max_examples=400)
def test_no_sampled_token_is_lost_and_none_invented(turns: list[Turn]) -> None:
    assert trained(merge(turns)) == sampled(turns)


@given(trees())
@settings(max_examples=400)
def test_each_call_stands_in_its_sequence_as_it_was(turns: list[Turn]) -> None:
    for sequence in merge(turns):
        for span in sequence.spans:
            turn = turns[span.call]
            assert sequence.input_ids[: span.end] == turn.prompt + turn.said
            assert sequence.input_ids[span.start : span.end] == turn.said
            assert sequence.logprobs[span.start : span.end] == turn.logprobs
        assert sequence.spans[-1].end == len(sequence.input_ids), "nothing behind what was said last"
        assert [v == 0.0 for v in sequence.logprobs] == [not m for m in sequence.mask]
        assert merging.differing(sequence, turns) == 0


@given(trees())
@settings(max_examples=400)
def test_there_can_be_no_fewer_sequences(turns: list[Turn]) -> None:
    assert len(merge(turns)) == apart(turns)


@given(trees())
@settings(max_examples=400)
def test_there_is_one_for_each_leaf_where_nothing_was_said_twice(turns: list[Turn]) -> None:
    places = Counter(t.whole[:n] for t in turns for n in range(len(t.prompt) + 1, len(t.whole) + 1))
    once = [t for t in turns if t.said and all(places[t.whole[:n]] == 1 for n in range(len(t.prompt) + 1, len(t.whole) + 1))]
    wholes = {t.whole for t in once}
    leaves = [w for w in wholes if not any(w != v and v[: len(w)] == w for v in wholes)]
    assert len(merge(once)) == len(leaves)


@given(growing())
def test_a_history_that_only_grows_is_one_sequence(turns: list[Turn]) -> None:
    (sequence,) = merge(turns)
    assert sequence.input_ids == turns[-1].whole
    assert [span.call for span in sequence.spans] == list(range(len(turns)))


@given(trees(), st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_the_order_of_the_calls_changes_neither_what_is_trained_nor_how_many_sequences(turns: list[Turn], rng: random.Random) -> None:
    order = rng.sample(range(len(turns)), len(turns))
    shuffled = merge([turns[n] for n in order])
    assert len(shuffled) == len(merge(turns))
    assert Counter((order[call], *rest) for call, *rest in trained(shuffled).elements()) == sampled(turns)


def test_a_rewritten_history_is_a_tree_whose_branches_repeat_what_they_share_unsaid() -> None:
    first, second = told((1, 2), (3, 4)), told((1, 2, 3, 4, 5), (6,))
    rewritten = told((1, 2, 3, 4, 9), (7, 8))
    one, other = merge([first, second, rewritten])
    assert (one.input_ids, one.mask) == ((1, 2, 3, 4, 5, 6), (0, 0, 1, 1, 0, 1))
    assert (other.input_ids, other.mask) == ((1, 2, 3, 4, 9, 7, 8), (0, 0, 0, 0, 0, 1, 1))
    assert (one.spans, other.spans) == ((Span(0, 2, 4), Span(1, 5, 6)), (Span(2, 5, 7),))


def test_an_answer_that_the_harness_cut_short_keeps_its_own_sequence() -> None:
    whole, after = told((1,), (2, 3, 4)), told((1, 2, 3, 9), (5,))
    assert [(m.input_ids, m.mask) for m in merge([whole, after])] == [((1, 2, 3, 4), (0, 1, 1, 1)), ((1, 2, 3, 9, 5), (0, 0, 0, 0, 1))]


def test_what_was_said_again_in_the_same_place_is_trained_again() -> None:
    """The policy was asked to go on within its own answer, and said the same."""
    assert [m.mask for m in merge([told((1,), (2, 3)), told((1, 2), (3, 4))])] == [(0, 1, 1), (0, 0, 1, 1)]


def test_the_same_answer_sampled_twice_counts_twice() -> None:
    same = [told((1,), (2,), n) for n in range(2)]
    assert [(m.input_ids, m.mask) for m in merge(same)] == [((1, 2), (0, 1))] * 2
    goes_on = merge([*same, told((1, 2, 3), (4,))])
    assert [m.input_ids for m in goes_on] == [(1, 2, 3, 4), (1, 2)] and [m.mask for m in goes_on] == [(0, 1, 0, 1), (0, 1)]


def test_two_answers_to_one_prompt_are_two_sequences() -> None:
    assert [m.input_ids for m in merge([told((1,), (2,)), told((1,), (3,))])] == [(1, 2), (1, 3)]


def test_a_call_continues_the_longest_of_those_that_it_can() -> None:
    """Else the third call would find none that is free."""
    short, long = told((1,), (2,)), told((1, 2), (3,))
    again = told((1,), (2,), 1)
    assert len(merge([short, again, told((1, 2, 3), (4,)), long, told((1, 2, 5), (6,))])) == 2


def test_a_call_that_says_nothing_is_in_no_sequence() -> None:
    assert merge([Turn((1, 2), ())]) == [] == merge([])
    (sequence,) = merge([told((1,), (2,)), Turn((1, 2, 3), ()), told((1, 2, 3), (4,))])
    assert [s.call for s in sequence.spans] == [0, 2]


def test_log_probabilities_are_given_where_all_are_known() -> None:
    known, unknown = Turn((1,), (2,), (-0.5,)), Turn((1, 2, 3), (4,))
    assert merge([known])[0].logprobs == (0.0, -0.5)
    assert merge([known, unknown])[0].logprobs == ()


def test_log_probabilities_that_are_not_one_a_token_are_left_out() -> None:
    calls = [Call({}, {}, (1,), (2, 3), (-0.5, -0.25)), Call({}, {}, (1,), (2, 3), (-0.5,))]
    assert merging.recorded(calls) == [Turn((1,), (2, 3), (-0.5, -0.25)), Turn((1,), (2, 3))]


def test_differing_tokens_are_counted() -> None:
    (sequence,) = merge([told((1,), (2,)), told((1, 2, 3), (4,))])
    assert merging.differing(sequence, [told((1,), (9,)), told((1, 2, 3), (4, 5))]) == 2
