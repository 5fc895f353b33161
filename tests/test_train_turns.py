"""A rollout's calls as tokens: the endpoint's own where it told them, else made once of what passed between harness and model."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import train_making as making
from hypothesis import given, settings
from hypothesis import strategies as st

from specs.errors import BoundaryError
from specs.records import Call
from train import chat, merging, turns
from train.merging import Merged

Message = dict[str, Any]


def merged(calls: list[Call]) -> tuple[list[Merged], turns.Told]:
    told = turns.of(making.tokenizer(), calls)
    return merging.merge(told.turns), told


def text(ids: tuple[int, ...]) -> str:
    said: str = making.tokenizer().decode(ids)
    return said


def own(sequence: Merged) -> list[str]:
    return [text(sequence.input_ids[s.start : s.end]) for s in sequence.spans]


def recording(prompt: list[int], said: str, message: Message) -> Call:
    """A call whose endpoint gave the tokens."""
    ids = chat.encode(making.tokenizer(), said)
    response = {"choices": [{"message": message, "finish_reason": "stop"}]}
    return Call({"messages": [], "tools": []}, response, tuple(prompt), tuple(ids), (-0.5,) * len(ids))


ODD = '<tool_call>\n{"name":   "exec", "arguments": {"command": "ls"}}\n</tool_call><|im_end|>'  # spaced as no template would
LS = {"role": "assistant", "content": None, "tool_calls": [making.call("exec", '{"command": "ls"}')]}


def recorded() -> list[Call]:
    prompt = chat.encode(making.tokenizer(), "<|im_start|>user\nLook.<|im_end|>\n<|im_start|>assistant\n")
    first = recording(prompt, ODD, LS)
    more = chat.encode(making.tokenizer(), "\n<|im_start|>user\nb.txt<|im_end|>\n<|im_start|>assistant\n")
    return [
        first,
        recording([*first.prompt_ids, *first.completion_ids, *more], "Done.<|im_end|>", {"role": "assistant", "content": "Done."}),
    ]


def test_the_endpoints_tokens_are_taken_as_they_are() -> None:
    calls = recorded()
    (sequence,), told = merged(calls)
    assert told.told == "endpoint" and merging.differing(sequence, told.alone) == 0
    assert sequence.input_ids == calls[1].prompt_ids + calls[1].completion_ids
    assert own(sequence) == [ODD, "Done.<|im_end|>"]
    assert set(zip(sequence.mask, sequence.logprobs, strict=True)) == {(1, -0.5), (0, 0.0)}


def test_a_server_that_wrote_the_models_words_anew_makes_a_branch() -> None:
    """What the model saw in the second call is not what it said in the first, so the second call can't continue it."""
    first, second = recorded()
    anew = chat.encode(making.tokenizer(), text(second.prompt_ids).replace('"name":   ', '"name": '))
    sequences, told = merged([first, replace(second, prompt_ids=tuple(anew))])
    assert told.told == "endpoint" and [own(s) for s in sequences] == [[ODD], ["Done.<|im_end|>"]]


@pytest.mark.parametrize("shift", [1, 10**6])
def test_tokens_of_another_vocabulary_are_not_taken(shift: int) -> None:
    def foreign(call: Call, before: list[Message]) -> Call:
        moved = tuple(i + shift for i in call.completion_ids)
        return replace(call, request={"messages": before, "tools": []}, completion_ids=moved)

    ask = [{"role": "user", "content": "Look."}]
    history = [*ask, LS, {"role": "tool", "tool_call_id": "call1", "content": "b.txt"}]
    first, second = recorded()
    (sequence,), told = merged([foreign(first, ask), foreign(second, history)])
    assert told.told == "template" and sequence.logprobs == ()
    assert own(sequence)[1] == "Done.<|im_end|>"


def test_one_answer_without_tokens_has_the_template_tell_all() -> None:
    messages = making.conversation()
    first, *others = making.calls(messages)
    ids = chat.encode(making.tokenizer(), "anything")
    (sequence,), told = merged([replace(first, prompt_ids=tuple(ids), completion_ids=tuple(ids)), *others])
    assert told.told == "template" and sequence == making.merged(messages)


def test_a_conversation_that_grows_is_one_sequence_that_spells_it() -> None:
    messages = making.conversation()
    (sequence,), told = merged(list(making.calls(messages)))
    assert told.told == "template" and merging.differing(sequence, told.alone) == 0
    assert text(sequence.input_ids) + "\n" == chat.render(making.tokenizer(), messages, making.TOOLS, ask=False)


def repeated(message: Message) -> Message:
    """An answer as OpenClaw repeats it: other ids, no empty content, text in parts, arguments written by another JSON."""
    if message["role"] == "tool":
        return {**message, "tool_call_id": message["tool_call_id"].replace("_", "")}
    if message["role"] != "assistant":
        return {**message, "content": [{"type": "text", "text": message["content"]}]}
    functions = [c["function"] for c in message.get("tool_calls", [])]
    arguments = [json.dumps(dict(reversed(json.loads(f["arguments"]).items())), separators=(",", ":")) for f in functions]
    calls = [making.call(f["name"], a, f"other{n}") for n, (f, a) in enumerate(zip(functions, arguments, strict=True))]
    return {"role": "assistant", "content": message["content"] or None, "tool_calls": calls}


def test_answers_that_a_harness_repeats_in_another_writing_are_the_same() -> None:
    messages = making.conversation()
    edits = '{"path": "a_b", "edits": [{"oldText": "1.0", "newText": "2"}], "offset": 1.0}'
    messages[2] = {"role": "assistant", "content": "I look first.", "tool_calls": [making.call("exec", edits, "call_1")]}
    messages[3]["tool_call_id"] = "call_1"
    calls = [making.answered([repeated(m) for m in messages[:n]], messages[n]) for n in (2, 4, 7)]
    (sequence,), told = merged(calls)
    assert sequence == making.merged(messages) and merging.differing(sequence, told.alone) == 0
    assert own(sequence)[0] == f'I look first.\n<tool_call>\n{{"name": "exec", "arguments": {edits}}}\n</tool_call><|im_end|>'


def test_answers_that_a_harness_repeats_as_something_else_make_a_branch() -> None:
    messages = making.conversation()
    calls = [making.answered(messages[:2], messages[2])]
    messages[2] = {**messages[2], "content": "I looked."}
    calls += [making.answered(messages[:n], messages[n]) for n in (4, 7)]
    one, other = merged(calls)[0]
    assert [s.call for s in one.spans] == [0] and [s.call for s in other.spans] == [1, 2]
    assert "I looked." in text(other.input_ids[: other.spans[0].start])


def test_a_history_that_was_summed_up_starts_a_branch_and_what_follows_goes_on_from_there() -> None:
    messages = making.conversation()
    summed = [*messages[:1], {"role": "user", "content": "So far: ledger.csv was read."}]
    calls = [making.answered(messages[:2], messages[2]), making.answered(summed, messages[4])]
    calls.append(making.answered([*summed, *messages[4:7]], messages[7]))
    sequences, _ = merged(calls)
    assert [[s.call for s in m.spans] for m in sequences] == [[0], [1, 2]]
    assert sum(sum(m.mask) for m in sequences) == sum(making.merged(messages).mask), "each answer is trained once"


def test_other_tools_are_another_history() -> None:
    messages = making.conversation()
    calls = [making.answered(messages[:n], messages[n], making.TOOLS[: 2 if n < 7 else 1]) for n in (2, 4, 7)]
    assert [[s.call for s in m.spans] for m in merged(calls)[0]] == [[0, 1], [2]]


def test_an_answer_that_was_cut_off_does_not_say_its_end_and_is_continued() -> None:
    messages = [*making.conversation()[:2], {"role": "assistant", "content": "The tot"}, {"role": "user", "content": "Go on."}]
    calls = [
        making.answered(messages[:2], messages[2], finish="length"),
        making.answered(messages, {"role": "assistant", "content": "al."}),
    ]
    (sequence,), _ = merged(calls)
    assert own(sequence) == ["The tot", "al.<|im_end|>"]


@pytest.mark.parametrize("response", [{"error": {"message": "no"}}, {"choices": []}, {"choices": [{}]}, "no", None])
def test_a_call_without_an_answer_teaches_nothing_and_numbers_stay(response: Any) -> None:
    messages = making.conversation()
    first, *others = making.calls(messages)
    (sequence,), _ = merged([first, Call(first.request, response, (), (), ()), *others])
    assert [s.call for s in sequence.spans] == [0, 2, 3] and sequence.input_ids == making.merged(messages).input_ids


@pytest.mark.parametrize(
    "request_of",
    [
        lambda good: {},
        lambda good: None,
        lambda good: {**good, "messages": {"a": 1}},
        lambda good: {**good, "messages": []},
        lambda good: {**good, "messages": [{"content": "no role"}]},
        lambda good: {**good, "messages": [{"role": "user", "content": [3]}]},
        lambda good: {**good, "messages": [{"role": "assistant", "tool_calls": [{}]}]},
        lambda good: {**good, "tools": 7},
    ],
)
def test_a_request_that_no_template_renders_is_told(request_of: Any) -> None:
    (first, *_) = making.calls(making.conversation())
    with pytest.raises(BoundaryError, match="can't be rendered"):
        merged([replace(first, request=request_of(first.request))])


WORDS = st.text(st.characters(max_codepoint=0x1FFF, exclude_characters="<>", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)


@st.composite
def conversations(draw: st.DrawFn) -> list[Call]:
    """Calls of a harness that now and then cuts its history off, or writes another answer into it."""
    history: list[Message] = [{"role": "user", "content": draw(WORDS)}]
    calls = []
    for _ in range(draw(st.integers(1, 4))):
        arguments = draw(st.dictionaries(WORDS, WORDS | st.integers(), max_size=2))
        said: Message = {"role": "assistant", "content": draw(WORDS)}
        if draw(st.booleans()):
            said["tool_calls"] = [making.call("exec", json.dumps(arguments))]
        calls.append(making.answered(list(history), said, []))
        history += [draw(st.sampled_from([said, repeated(said), {**said, "content": "Something else."}])), {"role": "user", "content": "?"}]
        history = history[: draw(st.sampled_from([99, 99, 1]))]
    return calls


@given(conversations())
@settings(max_examples=40, deadline=None)
def test_whatever_the_harness_does_each_answer_is_trained_once_behind_what_the_model_saw(calls: list[Call]) -> None:
    sequences, told = merged(calls)
    assert sorted(s.call for m in sequences for s in m.spans) == list(range(len(calls)))
    for sequence in sequences:
        assert merging.differing(sequence, told.turns) == 0
        for span in sequence.spans:
            head, said = (text(tuple(ids)) for ids in (told.alone[span.call].prompt, told.alone[span.call].said))
            assert text(sequence.input_ids[: span.end]) == head + said
            assert text(sequence.input_ids[span.start : span.end]) == said
