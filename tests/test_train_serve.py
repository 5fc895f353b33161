"""The server of checkpoints over real HTTP, asked by the public OpenAI client and by ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import openai
import pytest
import train_making as making

from sandbox.endpoint import connect
from sandbox.harness import ContextFull
from sandbox.served import serve_model
from train import chat, serve
from train.engine import Engine, Generated


class Says:
    """Stands in for an engine whose policy says one thing; keeps the prompts."""

    def __init__(self, text: str):
        self.ids = tuple(chat.encode(making.tokenizer(), text))
        self.prompts: list[list[int]] = []

    def generate(self, prompt: list[int], sampling: dict[str, Any]) -> Generated:
        self.prompts.append(prompt)
        return Generated(self.ids, (-0.5,) * len(self.ids), self.ids[-1] == making.tokenizer().eos_token_id)


CALLS = 'Looking.\n<tool_call>\n{"name": "read", "arguments": {"path": "ä b"}}\n</tool_call><|im_end|>'


@contextmanager
def asking(engine: Any) -> Iterator[openai.OpenAI]:
    with serve.listening(serve.app(engine, making.tokenizer(), "tiny")) as url:
        yield openai.OpenAI(base_url=url, api_key="none", max_retries=0)


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    """Asks the tiny model."""
    model = making.tiny()
    model.config.max_position_embeddings = 1000
    with Engine(model, making.tokenizer().eos_token_id) as engine, asking(engine) as asked:
        yield asked


def ask(client: openai.OpenAI, **more: Any) -> Any:
    body = {"model": "tiny", "messages": making.conversation()[:2], "tools": making.TOOLS, "max_tokens": 6, "temperature": 0}
    return client.chat.completions.create(**(body | more))


def test_an_answer_comes_with_its_tokens_and_their_logprobs(client: openai.OpenAI) -> None:
    tokenizer = making.tokenizer()
    answer = ask(client)
    choice = answer.choices[0]
    said = tokenizer.decode(choice.token_ids)
    assert choice.message.content == said and choice.finish_reason == "length"
    assert answer.prompt_token_ids == chat.encode(tokenizer, chat.render(tokenizer, making.conversation()[:2], making.TOOLS, ask=True))
    assert [t.token for t in choice.logprobs.content] == [tokenizer.decode([i]) for i in choice.token_ids]
    assert all(t.logprob < 0 for t in choice.logprobs.content)
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (len(answer.prompt_token_ids), 6)


def test_our_own_client_picks_the_tokens_up(client: openai.OpenAI) -> None:
    complete = connect(str(client.base_url), "tiny")
    got = complete(making.conversation()[:2], making.TOOLS, {"max_tokens": 5, "temperature": 0})
    answer = ask(client, max_tokens=5)
    assert (got.prompt_ids, got.completion_ids) == (tuple(answer.prompt_token_ids), tuple(answer.choices[0].token_ids))
    assert len(got.logprobs) == 5


def test_tool_calls_are_parsed_and_can_be_sent_back() -> None:
    engine = Says(CALLS)
    with asking(engine) as client:
        answer = ask(client)
        message = answer.choices[0].message
        assert answer.choices[0].finish_reason == "tool_calls" and message.content == "Looking."
        (call,) = message.tool_calls
        assert (call.function.name, json.loads(call.function.arguments)) == ("read", {"path": "ä b"})
        history = [*making.conversation()[:2], message.to_dict(), {"role": "tool", "tool_call_id": call.id, "content": "1,2"}]
        ask(client, messages=history)
    first, second = engine.prompts
    assert second[: len(first) + len(engine.ids)] == [*first, *engine.ids]


def test_a_malformed_call_is_served_as_content() -> None:
    with asking(Says("<tool_call>\n{nonsense\n</tool_call><|im_end|>")) as client:
        choice = ask(client).choices[0]
    assert choice.message.tool_calls is None and choice.message.content == "<tool_call>\n{nonsense\n</tool_call>"
    assert choice.finish_reason == "stop"


@pytest.mark.parametrize("text", [CALLS, "Done.<|im_end|>"])
def test_a_stream_adds_up_to_the_plain_answer(text: str) -> None:
    with asking(Says(text)) as client:
        plain = ask(client).choices[0]
        chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    choices = [c.choices[0] for c in chunks if c.choices]
    assert "".join(c.delta.content or "" for c in choices) == plain.message.content
    calls = [call for c in choices for call in c.delta.tool_calls or []]
    assert [(c.id, c.function.arguments) for c in calls] == [(c.id, c.function.arguments) for c in plain.message.tool_calls or []]
    assert choices[-1].finish_reason == plain.finish_reason
    assert chunks[-1].usage.completion_tokens == len(plain.token_ids)


def test_a_prompt_beyond_the_window_is_a_400_that_clients_understand(client: openai.OpenAI) -> None:
    long = [{"role": "user", "content": "word " * 2000}]
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, messages=long)
    assert caught.value.code == "context_length_exceeded"
    with pytest.raises(ContextFull):
        connect(str(client.base_url), "tiny")(long, [], {})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "invalid_json"),
        (b"[]", "invalid_messages"),
        (b'{"messages": []}', "invalid_messages"),
        (b'{"messages": [{"role": "assistant", "tool_calls": [{}]}]}', "invalid_messages"),
        (b'{"messages": [{"role": "user", "content": "a"}], "n": 2}', "unsupported_parameter"),
        (b'{"messages": [{"role": "user", "content": "a"}], "temperature": "hot"}', "invalid_value"),
    ],
)
def test_a_request_that_makes_no_sense_is_a_400(client: openai.OpenAI, body: bytes, code: str) -> None:
    answer = httpx.post(f"{client.base_url}chat/completions", content=body)
    assert answer.status_code == 400 and answer.json()["error"]["code"] == code


def test_models_lists_the_checkpoint(client: openai.OpenAI) -> None:
    assert [m.id for m in client.models.list()] == ["tiny"]


@pytest.mark.slow
def test_the_process_says_when_it_is_ready_and_answers() -> None:
    with serve_model(making.checkpoint()) as url:
        answer = ask(openai.OpenAI(base_url=url, api_key="none"))
    assert len(answer.choices[0].token_ids) == 6
