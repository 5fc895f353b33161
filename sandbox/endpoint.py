"""A chat-completions endpoint as a function: what every served policy is reached through, ours or anyone's."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from sandbox.harness import Complete, Completion, ContextFull, Message
from specs.errors import BoundaryError

TRIES = 4
PAUSE_S = 0.5  # before the second try; doubles
LONGEST_PAUSE_S = 60.0
ANSWER_S = 600.0  # for an answer, all tries of it together
ANSWER_BYTES = 64 << 20  # longer is no answer; it must not take our memory
MOST_ID = 1 << 31  # of a token
MOST_DEPTH = 64  # of a response
TOO_LONG = ("context_length_exceeded", "maximum context length", "exceed_context_size", "context window")  # OpenAI, vLLM, llama.cpp, others


@dataclass(frozen=True)
class Endpoint:
    """Where a policy is reached: an OpenAI-compatible URL, the model's name there, the key if it wants one, and what goes into the body
    of each request besides; `timeout_s`: for an answer. The key is no part of its repr, and of nothing that is recorded."""

    url: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict)
    timeout_s: float = ANSWER_S


def connect(
    base_url: str, model: str, api_key: str | None = None, timeout_s: float = ANSWER_S, extra: Mapping[str, Any] | None = None
) -> Complete:
    """A function that completes chats with `model` at `base_url` (`/v1` is added to a URL without a path).

    It may be called from several threads. `extra` goes into each request's body. The key is sent in the header and occurs in nothing
    that the function returns or raises. Token ids and log-probabilities are picked up where the response has them.
    The function tries again after a lost connection, 429 and 5xx, for `timeout_s` seconds in all; it raises BoundaryError("endpoint")
    when that does not help, and for any other refusal and an answer that is none; ContextFull when the endpoint says that the prompt is
    too long for the model.
    """
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BoundaryError("endpoint", f"not an http(s) URL: {base_url}")
    url = base_url.rstrip("/") + ("" if parts.path.strip("/") else "/v1") + "/chat/completions"
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")  # a proxy set for the world must not catch our own server
    many = httpx.Limits(max_connections=None, max_keepalive_connections=None)  # whoever calls decides how many at a time
    client = httpx.Client(headers=headers, trust_env=not local, limits=many)

    def complete(messages: list[Message], tools: list[dict[str, Any]], sampling: dict[str, Any]) -> Completion:
        offered = {"tools": tools} if tools else {}  # an empty list is refused by some
        body = {"model": model, "messages": messages, **offered, **sampling, **(extra or {})}
        return _completion(body, _post(client, url, body, api_key or "", time.monotonic() + timeout_s))

    return complete


def _post(client: httpx.Client, url: str, body: dict[str, Any], secret: str, deadline: float) -> Any:
    """The response's JSON. Tries again where that can help and there is time."""
    failure = ""
    for attempt in range(TRIES):
        pause = PAUSE_S * 2**attempt
        try:
            response, text = _answer(client, url, body, deadline)
        except httpx.TimeoutException as error:
            raise BoundaryError("endpoint", f"no answer in time ({type(error).__name__})") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            failure = f"{type(error).__name__}: {error}"
        else:
            text = text.replace(secret, "[key]") if secret else text
            if response.is_success:
                return _json(response.status_code, text)
            failure = f"HTTP {response.status_code}: {text[:500]}"
            if response.status_code != 429 and response.status_code < 500:
                break
            pause = _asked_pause(response, pause)
        pause = min(pause, LONGEST_PAUSE_S)
        if attempt + 1 == TRIES or time.monotonic() + pause > deadline:
            break
        time.sleep(pause)
    if any(words in failure for words in TOO_LONG):
        raise ContextFull(failure)
    raise BoundaryError("endpoint", failure)


def _answer(client: httpx.Client, url: str, body: dict[str, Any], deadline: float) -> tuple[httpx.Response, str]:
    """The response and its text. One that comes byte by byte has no more time than one that comes at once."""
    left = max(deadline - time.monotonic(), 0.001)
    got = bytearray()
    with client.stream("POST", url, json=body, timeout=httpx.Timeout(left, connect=min(left, 10))) as response:
        for part in response.iter_bytes():
            got += part
            if len(got) > ANSWER_BYTES:
                raise BoundaryError("endpoint", f"an answer of more than {ANSWER_BYTES >> 20} MB")
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("the answer goes on and on")
    return response, got.decode("utf-8", "replace")


def _asked_pause(response: httpx.Response, otherwise: float) -> float:
    """Seconds to wait: what Retry-After says, where it says seconds."""
    asked = response.headers.get("retry-after", "")
    return float(asked) if asked.isascii() and asked.isdigit() else otherwise


def _json(status: int, text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise BoundaryError("endpoint", f"HTTP {status} with a body that is not JSON: {text[:200]}") from None
    if _deeper(value, MOST_DEPTH):  # what could be read but not written down again
        raise BoundaryError("endpoint", f"HTTP {status} with a body that is nested more than {MOST_DEPTH} deep")
    return value


def _deeper(value: Any, most: int) -> bool:
    """Whether containers of a JSON value lie in each other more than so deep."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(most):
        parts = (part for outer in level for part in (outer.values() if isinstance(outer, dict) else outer))
        level = [part for part in parts if isinstance(part, dict | list)]
        if not level:
            return False
    return True


def _completion(body: dict[str, Any], response: Any) -> Completion:
    """The response with its tokens: vLLM's `prompt_token_ids` and `choices[0].token_ids`, OpenAI's `logprobs.content`."""
    if not isinstance(response, dict):
        raise BoundaryError("endpoint", f"the response is a JSON {type(response).__name__}, not an object")
    choices = response.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    try:
        content = (choice.get("logprobs") or {}).get("content") or []
        return Completion(
            response=response,
            prompt_ids=_ids(response.get("prompt_token_ids") or choice.get("prompt_token_ids")),
            completion_ids=_ids(choice.get("token_ids")),
            logprobs=tuple(float(token["logprob"]) for token in content),
            request=body,
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        raise BoundaryError("endpoint", "the response lists tokens that are none") from None


def _ids(given: Any) -> tuple[int, ...]:
    """Token ids. Raises ValueError for what is no list of such."""
    ids = given or []
    if not isinstance(ids, list) or not all(type(i) is int and 0 <= i < MOST_ID for i in ids):
        raise ValueError
    return tuple(ids)
