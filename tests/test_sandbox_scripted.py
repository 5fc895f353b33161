"""Scripted policies, asked by the openai client over real HTTP."""

from __future__ import annotations

import json
from typing import Any

import httpx
import making
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_making import LOOKING, SCRIPT, SOLUTION, TASK, ask, client, play_out

from sandbox import plays, scripted
from specs.records import Solution


def said(completion: Any) -> tuple[str, list[tuple[str, str, Any]], str]:
    message = completion.choices[0].message
    calls = [(c.id, c.function.name, json.loads(c.function.arguments)) for c in message.tool_calls or ()]
    return message.content or "", calls, completion.choices[0].finish_reason


@pytest.mark.parametrize("stream", [False, True])
def test_the_teacher_plays_the_solution_step_by_step(stream: bool) -> None:
    with scripted.serve("teacher", [TASK], [SOLUTION]) as url:
        assert [said(c) for c in play_out(url, TASK, stream)] == [
            (LOOKING, [("call-0", "exec", {"command": "ls"})], "tool_calls"),
            ("", [("call-1", "exec", {"command": SCRIPT})], "tool_calls"),
            ("The sum is 1.", [], "stop"),
        ]


@pytest.mark.parametrize("stream", [False, True])
def test_echo_writes_the_instruction_into_each_output(stream: bool) -> None:
    with scripted.serve("echo", [TASK]) as url:
        calls = [call for c in play_out(url, TASK, stream) for call in said(c)[1]]
    assert calls == [
        ("call-0", "write", {"path": "out.csv", "content": TASK.instruction}),
        ("call-1", "write", {"path": "notes/why.md", "content": TASK.instruction}),
    ]


def test_untouched_answers_at_once() -> None:
    with scripted.serve("untouched", [TASK]) as url:
        assert [said(c)[1:] for c in play_out(url, TASK, False)] == [([], "stop")]


def test_a_solution_without_a_closing_answer_is_closed() -> None:
    assert plays.teacher(TASK, making.solution([("exec", {"command": "ls"}, "")]), 1).tool == ""


TEXT = st.text(st.characters(codec="utf-8"), max_size=700)


@settings(max_examples=6, deadline=None)
@given(steps=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6))
def test_streamed_and_whole_answers_are_the_same(steps: list[tuple[str, str]]) -> None:
    solution = making.solution([("write", {"path": "x", "content": argument}, says) for says, argument in steps])
    with scripted.serve("teacher", [TASK], [solution]) as url:
        whole, streamed = play_out(url, TASK, False), play_out(url, TASK, True)
    assert [said(c) for c in streamed] == [said(c) for c in whole]
    assert [said(c)[:2] for c in whole[:-1]] == [
        (says, [(f"call-{n}", "write", {"path": "x", "content": argument})]) for n, (says, argument) in enumerate(steps)
    ]
    assert [c.usage for c in streamed] == [c.usage for c in whole]


def test_an_instruction_in_parts_is_found() -> None:
    parts = [{"type": "text", "text": TASK.instruction[:4]}, {"type": "text", "text": TASK.instruction[4:]}]
    with scripted.serve("teacher", [TASK], [SOLUTION]) as url:
        assert said(ask(url, [{"role": "user", "content": parts}], False))[0] == LOOKING


def test_an_instruction_among_what_a_harness_says_is_found() -> None:
    around = f"[Sun 2026-11-29 16:34 UTC] {TASK.instruction}\n\nRuntime: agent=main | host=box"
    with scripted.serve("teacher", [TASK], [SOLUTION]) as url:
        assert said(ask(url, [{"role": "system", "content": "x"}, {"role": "user", "content": around}], False))[0] == LOOKING


def test_an_instruction_that_another_one_contains_is_not_taken_for_it() -> None:
    longer = making.task({}, f"{TASK.instruction} And then rest.", identity="ffff00000000")
    rest = making.solution([("", {}, "I rest.")], longer.id)
    with scripted.serve("teacher", [TASK, longer], [SOLUTION, rest]) as url:
        for task, first in ((TASK, LOOKING), (longer, "I rest.")):
            for text in (task.instruction, f"[today] {task.instruction}\nEnd."):
                assert said(ask(url, [{"role": "user", "content": text}], False))[0] == first


def test_two_instructions_in_one_message_are_ambiguous() -> None:
    other = making.task({}, "Count the rows.", identity="ffff00000000")
    with scripted.serve("teacher", [TASK, other], [SOLUTION]) as url, pytest.raises(openai.ConflictError) as caught:
        ask(url, [{"role": "user", "content": f"{TASK.instruction} {other.instruction}"}], False)
    assert TASK.id in str(caught.value)
    assert other.id in str(caught.value)


def test_the_model_list_names_the_policy() -> None:
    with scripted.serve("echo", [TASK]) as url:
        assert [model.id for model in client(url).models.list()] == ["echo"]


def test_an_unknown_task_is_a_404_in_openais_form() -> None:
    with scripted.serve("teacher", [TASK], [SOLUTION]) as url, pytest.raises(openai.NotFoundError) as caught:
        ask(url, [{"role": "user", "content": "Something else."}], False)
    assert caught.value.code == "unknown_task"


def test_a_task_without_a_solution_is_refused() -> None:
    with scripted.serve("teacher", [TASK]) as url, pytest.raises(openai.NotFoundError) as caught:
        ask(url, [{"role": "user", "content": TASK.instruction}], False)
    assert caught.value.code == "no_solution"


def test_two_tasks_of_one_instruction_are_not_mixed_up() -> None:
    twin = making.task({"in.csv": "a\n2\n"}, TASK.instruction, identity="ffff00000000")
    solutions: list[Solution] = [SOLUTION]
    with scripted.serve("teacher", [TASK, twin], solutions) as url, pytest.raises(openai.ConflictError) as caught:
        ask(url, [{"role": "user", "content": TASK.instruction}], False)
    assert TASK.id in str(caught.value)
    assert twin.id in str(caught.value)


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"{}", b'{"messages": 3}', b'{"messages": ["x"]}', b'{"messages": [{"content": "x"}]}', b"\xff"]
)
def test_a_malformed_request_is_a_400(body: bytes) -> None:
    with scripted.serve("untouched", [TASK]) as url:
        response = httpx.post(f"{url}/chat/completions", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_the_server_is_gone_after_the_block() -> None:
    with scripted.serve("untouched", [TASK]) as url:
        assert httpx.get(f"{url}/models").is_success
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/models")
