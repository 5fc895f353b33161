"""Streams put together: however one is cut, it says what the whole response says."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from sandbox import streams
from sandbox.streams import DONE, Assembly, Events
from specs.errors import BoundaryError

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
HEAD = {"id": "chatcmpl-1", "created": 3, "model": "m", "system_fingerprint": "fp"}


@st.composite
def responses(draw: st.DrawFn) -> dict[str, Any]:
    """A whole response with text, tool calls, tokens and usage, as vLLM gives it."""
    calls = draw(st.lists(st.tuples(TEXT.filter(bool), TEXT.filter(bool), TEXT), max_size=3))
    message: dict[str, Any] = {"role": "assistant", "content": draw(st.none() | TEXT), "refusal": draw(st.none() | TEXT)}
    if thought := draw(TEXT):
        message["reasoning_content"] = thought
    if calls:
        message["tool_calls"] = [{"id": i, "type": "function", "function": {"name": n, "arguments": a}} for i, n, a in calls]
    ids = draw(st.lists(st.integers(0, 200_000), max_size=8))
    shown = [{"token": str(n), "logprob": -float(n), "bytes": None, "top_logprobs": []} for n in ids]
    choice = {"index": 0, "message": message, "logprobs": {"content": shown} if ids else None, "finish_reason": "stop"}
    usage = {"prompt_tokens": 2, "completion_tokens": len(ids), "total_tokens": 2 + len(ids), "prompt_tokens_details": {"cached_tokens": 1}}
    return HEAD | {
        "object": "chat.completion",
        "choices": [choice | ({"token_ids": ids} if ids else {})],
        "usage": usage,
        "prompt_token_ids": [1, 2],
    }


def cuts(draw: st.DrawFn, whole: Any) -> list[Any]:
    """The text or list in pieces, in order."""
    places = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    return [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)]


@st.composite
def streamed(draw: st.DrawFn, response: dict[str, Any], mixed: bool = True) -> list[dict[str, Any]]:
    """The response as chunks: each part in pieces of its own; where `mixed`, in any mixture that keeps the order in each part."""
    choice = response["choices"][0]
    message = choice["message"]
    parts: list[list[dict[str, Any]]] = []
    for key in ("content", "refusal", "reasoning_content"):
        if message.get(key) is not None:
            parts.append([{"delta": {key: piece}} for piece in cuts(draw, message[key])])
    for index, call in enumerate(message.get("tool_calls", [])):
        head = {"index": index, "id": call["id"], "type": "function", "function": {"name": call["function"]["name"], "arguments": ""}}
        pieces = [{"index": index, "function": {"arguments": piece}} for piece in cuts(draw, call["function"]["arguments"])]
        parts.append([{"delta": {"tool_calls": [piece]}} for piece in [head, *pieces]])
    if "token_ids" in choice:
        shown = choice["logprobs"]["content"]
        pieces = cuts(draw, list(zip(choice["token_ids"], shown, strict=True)))
        parts.append(
            [{"delta": {}, "token_ids": [n for n, _ in piece], "logprobs": {"content": [p for _, p in piece]}} for piece in pieces]
        )
    order = [{"delta": {"role": "assistant"}}]
    while parts := [part for part in parts if part]:
        order.append(parts[draw(st.integers(0, len(parts) - 1)) if mixed else 0].pop(0))
    order.append({"delta": {}, "finish_reason": "stop"})
    head = HEAD | {"object": "chat.completion.chunk"}
    found = [head | {"choices": [{"index": 0, "finish_reason": None, "logprobs": None} | one], "usage": None} for one in order]
    found[0]["prompt_token_ids"] = response["prompt_token_ids"]
    return [*found, head | {"choices": [], "usage": response["usage"]}]


def assembled(chunks: Iterable[Any]) -> dict[str, Any]:
    assembly = Assembly()
    for chunk in chunks:
        assembly.added(chunk)
    return assembly.response()


@given(data=st.data(), response=responses())
def test_any_way_of_cutting_a_response_into_chunks_assembles_to_it(data: st.DataObject, response: dict[str, Any]) -> None:
    assert assembled(data.draw(streamed(response))) == response


@settings(max_examples=30)
@given(data=st.data(), response=responses())
def test_chunks_assemble_as_under_openais_own_code(data: st.DataObject, response: dict[str, Any]) -> None:
    """Which takes tool calls one after the other only."""
    chunks = data.draw(streamed(response, mixed=False))
    state = ChatCompletionStreamState()
    for chunk in chunks:
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    theirs = state.current_completion_snapshot.to_dict()["choices"][0]  # type: ignore[index]
    ours = assembled(chunks)["choices"][0]
    calls = [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in ours["message"].get("tool_calls", [])]
    assert calls == [(c["id"], c["function"]["name"], c["function"]["arguments"]) for c in theirs["message"].get("tool_calls") or []]
    for key in ("content", "refusal", "reasoning_content"):
        assert (ours["message"].get(key) or "") == (theirs["message"].get(key) or "")


ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@given(
    texts=st.lists(st.lists(TEXT.filter(lambda text: not set(text) & set("\r\n")), min_size=1, max_size=3), max_size=5),
    comments=st.lists(st.sampled_from([": ping", "event: message", "id: 1", "retry: 9"]), max_size=3),
    end=ENDS,
    data=st.data(),
)
def test_any_way_of_cutting_bytes_gives_the_same_events(texts: list[list[str]], comments: list[str], end: str, data: st.DataObject) -> None:
    lines = [line for event in texts for line in [*comments, *(f"data: {text}" for text in event), ""]]
    raw = "".join(line + end for line in lines).encode()
    events = Events()
    found = [event for piece in cuts(data.draw, raw) for event in events.feed(piece)]
    assert found == ["\n".join(event) for event in texts]


@settings(max_examples=50)
@given(response=responses(), data=st.data())
def test_a_response_survives_the_whole_road(response: dict[str, Any], data: st.DataObject) -> None:
    chunks = data.draw(streamed(response))
    raw = (
        "".join(f"data: {json.dumps(chunk, ensure_ascii=data.draw(st.booleans()))}\n\n" for chunk in chunks).encode() + b"data: [DONE]\n\n"
    )
    events = Events()
    texts = [event for piece in cuts(data.draw, raw) for event in events.feed(piece)]
    assert texts[-1] == DONE
    assert assembled(map(json.loads, texts[:-1])) == response


def test_a_character_whose_halves_come_apart_is_whole() -> None:
    """Servers that count in UTF-16 cut there."""
    pieces = [{"choices": [{"index": 0, "delta": {"content": half}}]} for half in ("a\ud83d", "\ude00b")]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    assert assembled([*pieces, end])["choices"][0]["message"]["content"] == "a\U0001f600b"


def test_tool_calls_are_in_the_order_of_their_indexes_whichever_came_first() -> None:
    calls = [{"index": n, "id": str(n), "type": "function", "function": {"name": "x", "arguments": ""}} for n in (1, 0)]
    chunks = [{"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]} for call in calls]
    assert [call["id"] for call in assembled(chunks)["choices"][0]["message"]["tool_calls"]] == ["0", "1"]


def test_usage_told_again_and_again_is_the_last() -> None:
    chunks = [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": {"completion_tokens": n}} for n in (1, 2)]
    assert assembled(chunks)["usage"] == {"completion_tokens": 2}


@pytest.mark.parametrize("chunks", [[], [{"choices": []}], [{"choices": [{"index": 0, "delta": {"content": "Do"}}]}]])
def test_what_has_no_end_is_no_response(chunks: list[Any]) -> None:
    with pytest.raises(BoundaryError):
        assembled(chunks)


def test_an_event_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "EVENT_BYTES", 1000)
    events = Events()
    with pytest.raises(BoundaryError, match="bytes"):
        for _ in range(11):
            events.feed(b"x" * 100)
