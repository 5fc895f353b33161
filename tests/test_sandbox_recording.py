"""What a line keeps to and what it records, over real sockets."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import making
import pytest
from endpoint_making import Body, completion, endpoint
from hypothesis import given, settings
from hypothesis import strategies as st
from proxy_making import SAYING, USAGE, ask, chunk, client, code, either, line_to, said, scripted_line
from scripted_making import SOLUTION, TASK
from starlette.responses import JSONResponse, Response

from sandbox import answering, proxy, scripted
from sandbox.endpoint import Endpoint
from specs.records import Limits, Usage

TOOLS = [{"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}]
EITHER_WAY = pytest.mark.parametrize("stream", [False, True])


@EITHER_WAY
def test_steps_are_capped_and_a_stop_stays(stream: bool) -> None:
    with scripted_line(either(), Limits(2, 600, 1000)) as (line, over, bodies):
        assert [ask(over, stream).status_code for _ in range(2)] == [200, 200]
        assert line.limit == ""
        refused = [ask(over, stream) for _ in range(2)]
    assert [code(response) for response in refused] == [(400, "rollout_limit")] * 2
    assert "steps" in refused[0].text
    assert (line.limit, line.error, len(bodies), len(line.calls)) == ("steps", None, 2, 2)


@EITHER_WAY
def test_completion_tokens_are_capped(stream: bool) -> None:
    with scripted_line(either(), Limits(9, 600, 10)) as (line, over, _):
        assert [ask(over, stream).status_code for _ in range(3)] == [200, 200, 400]
    assert line.limit == "tokens"
    assert line.usage == Usage(14, 10, 2, 0)


def test_wall_seconds_are_capped_from_the_beginning_on() -> None:
    with endpoint(either()) as played, proxy.recording(Endpoint(played.url, "m")) as lines, lines.line() as line, client(line) as over:
        line.begin({}, Limits(9, 0, 100))
        assert code(ask(over)) == (400, "rollout_limit")
    assert (line.limit, played.bodies) == ("seconds", [])


@EITHER_WAY
def test_an_answer_cut_off_at_the_tokens_left_is_a_limit(stream: bool) -> None:
    def cut_off(body: Body) -> Response:
        return said(chunk({"content": "Do"}), chunk({}, "length")) if body.get("stream") else JSONResponse(completion("Do", "length"))

    with scripted_line(cut_off) as (line, over, _):
        assert ask(over, stream).status_code == 200
        assert (line.limit, len(line.calls)) == ("tokens", 1)
        assert code(ask(over, stream)) == (400, "rollout_limit")


def test_a_body_longer_than_any_prompt_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "BODY_BYTES", 1000)
    with scripted_line(either()) as (line, over, bodies):
        assert code(over.post("/chat/completions", content=b"x" * 100_000)) == (400, "rollout_limit")
    assert (line.limit, bodies) == ("tokens", [])


def test_one_call_at_a_time() -> None:
    with endpoint(either(), delay_s=0.05) as played, line_to(played.url, Limits(3, 600, 1000)) as (line, _), ThreadPoolExecutor(8) as pool:

        def call(_: int) -> int:
            with client(line) as over:
                return ask(over).status_code

        statuses = list(pool.map(call, range(8)))
    assert played.most_open == 1
    assert sorted(statuses) == [200] * 3 + [400] * 5
    assert len(line.calls) == 3


def tokens(body: Body) -> Response:
    """An answer with its tokens, as vLLM gives them."""
    shown = [{"token": t, "logprob": p} for t, p in (("Do", -0.5), ("ne.", -1.0))]
    if not body.get("stream"):
        whole = completion("Done.") | {"prompt_token_ids": [1, 2, 3]}
        whole["choices"][0] |= {"token_ids": [7, 8], "logprobs": {"content": shown}}
        return JSONResponse(whole)
    first, *others = (json.loads(json.dumps(one)) for one in SAYING)
    for one, token_id, logprob in zip(others[:2], (7, 8), shown, strict=True):
        one["choices"][0] |= {"token_ids": [token_id], "logprobs": {"content": [logprob]}}
    return said(first | {"prompt_token_ids": [1, 2, 3]}, *others, USAGE)


@EITHER_WAY
def test_tokens_are_recorded_and_not_shown(stream: bool) -> None:
    with scripted_line(tokens) as (line, over, _):
        shown = ask(over, stream).text
    call = line.calls[0]
    assert (call.prompt_ids, call.completion_ids, call.logprobs) == ((1, 2, 3), (7, 8), (-0.5, -1.0))
    assert line.usage == Usage(3, 2, 1, 0)
    assert "token_ids" not in shown
    assert "-0.5" not in shown


def test_a_streamed_call_is_recorded_as_the_whole_would_be() -> None:
    with scripted_line(tokens) as (line, over, _):
        ask(over), ask(over, stream=True)
    whole, streamed = (call.response for call in line.calls)
    assert streamed == whole
    assert line.calls[0].completion_ids == line.calls[1].completion_ids


TEXT = st.text(st.characters(codec="utf-8"), max_size=600)


@settings(max_examples=5)
@given(steps=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8))
def test_the_teacher_is_recorded_the_same_streamed_and_whole(steps: list[tuple[str, str]]) -> None:
    solution = making.solution([("write", {"path": "x", "content": argument}, says) for says, argument in steps])
    with scripted.serve("teacher", [TASK], [solution]) as url, line_to(url) as (line, over), httpx.Client() as straightway:
        for turn in range(len(steps) + 1):
            asked = [{"role": "user", "content": TASK.instruction}, *[{"role": "assistant", "content": ""}] * turn]
            straight = straightway.post(f"{url}/chat/completions", json={"messages": asked, "model": "m"}).json()
            ask(over, False, messages=asked), ask(over, True, messages=asked)
            assert line.calls[-2].response == line.calls[-1].response == straight


@EITHER_WAY
def test_the_conversation_is_that_of_the_last_answer(stream: bool) -> None:
    with scripted.serve("teacher", [TASK], [SOLUTION]) as url, line_to(url) as (line, over):
        assert (line.messages, line.tools) == ([], [])
        asked = [{"role": "user", "content": TASK.instruction}]
        ask(over, stream, messages=asked, tools=TOOLS)
    called = {"id": "call-0", "type": "function", "function": {"name": "exec", "arguments": '{"command": "ls"}'}}
    assert line.messages == [*asked, {"role": "assistant", "content": SOLUTION.steps[0].says, "tool_calls": [called]}]
    assert (line.tools, line.usage.turns, line.usage.tool_calls) == (TOOLS, 1, 1)


def test_lone_surrogates_are_not_recorded() -> None:
    with scripted_line(lambda body: Response(json.dumps(completion("a\udc80b")))) as (line, over, bodies):
        over.post("/chat/completions", content=b'{"messages": [{"role": "user", "content": "a\\ud800b"}]}')
    json.dumps([line.calls[0].request, line.calls[0].response], ensure_ascii=False).encode()
    assert bodies[0]["messages"][0]["content"].startswith("a")
