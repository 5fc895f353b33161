"""Conversations taken apart for a reader: every call with its own result, replacements as before and after, and an end to everything."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from bench import turns
from bench.turns import talk

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda v: (
        st.lists(v, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "tool_calls", "function", "arguments", "id", "text"]), v, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values)
@settings(max_examples=300, deadline=None)
def test_whatever_a_policy_answered_can_be_shown(messages):
    talk(messages, 100)
    talk([messages, {"role": "assistant", "content": messages, "tool_calls": [messages]}], 100)


def test_each_call_has_its_own_result_though_ids_repeat():
    call = {"id": "same", "function": {"name": "exec", "arguments": '{"command": "ls"}'}}
    messages = []
    for said in ("one", "two"):
        messages += [
            {"role": "assistant", "content": said, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "same", "content": f"result {said}"},
        ]
    assert [(t.says.head, t.calls[0].result.head) for t in talk(messages, 100).turns] == [("one", "result one"), ("two", "result two")]


def calling(name: str, arguments: object, identity: str = "c") -> dict:
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"role": "assistant", "content": "", "tool_calls": [{"id": identity, "function": {"name": name, "arguments": raw}}]}


def only_call(message: dict) -> turns.ToolCall:
    (turn,) = talk([message], 1000).turns
    (call,) = turn.calls
    return call


def test_an_edit_is_shown_as_what_was_and_what_came() -> None:
    call = only_call(calling("edit", {"path": "a", "edits": [{"oldText": "one", "newText": "two"}, {"oldText": "three", "newText": ""}]}))
    path, edits = call.arguments
    assert path.inline == "a"
    assert [(old.head, new.head) for old, new in edits.edits] == [("one", "two"), ("three", "")]


def test_replacements_that_are_none_are_shown_as_they_came() -> None:
    for value in ("text", [{"oldText": 1, "newText": "x"}], [{"oldText": "a"}], []):
        (argument,) = only_call(calling("edit", {"edits": value})).arguments
        assert argument.edits == ()
        assert argument.inline == (value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), sort_keys=True))


def test_a_command_gets_a_block_however_short() -> None:
    (argument,) = only_call(calling("exec", {"command": "ls"})).arguments
    assert argument.block is not None and argument.block.head == "ls"


def test_what_came_before_the_first_answer_is_the_opening() -> None:
    messages = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u"},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "v"},
    ]
    found = talk(messages, 100)
    assert [t.says.head for t in found.opening] == ["s", "u"]
    assert [(t.role, t.says.head) for t in found.turns] == [("assistant", "a"), ("user", "v")]


def test_a_result_that_no_call_asked_for_is_still_shown() -> None:
    messages = [
        {"role": "tool", "tool_call_id": "c", "content": "early"},
        calling("exec", {}),
        {"role": "tool", "tool_call_id": "c", "content": "own"},
    ]
    found = talk([*messages, {"role": "tool", "tool_call_id": "c", "content": "late"}], 100)
    assert [(t.role, t.says.head, [c.result.head for c in t.calls if c.result]) for t in found.turns] == [
        ("tool", "early", []),
        ("assistant", "", ["own"]),
        ("tool", "late", []),
    ]


def test_endless_talk_ends_and_what_is_left_out_is_counted() -> None:
    many = [{"role": "assistant", "content": str(n)} for n in range(turns.MOST_TURNS + 7)]
    found = talk(many, 100)
    assert (len(found.turns), found.lost) == (turns.MOST_TURNS, 7)
    calls = {"role": "assistant", "content": "", "tool_calls": [{"id": "c", "function": {"name": "x"}}] * (turns.MOST_CALLS + 5)}
    found = talk([calls], 100)
    assert (len(found.turns[0].calls), found.lost) == (turns.MOST_CALLS, 5)


def test_deep_arguments_are_shown_as_they_came() -> None:
    for depth in (900, 5000):
        raw = "[" * depth + "]" * depth
        (argument,) = only_call(calling("x", raw)).arguments
        assert argument.block is not None and argument.block.head.startswith("[[[")
