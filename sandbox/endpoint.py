"""A chat-completions endpoint as a function: what every served policy is reached through, ours or anyone's."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from sandbox.harness import Complete, Completion, ContextFull, Message
from specs.errors import BoundaryError
from specs.hostile import deeper

TRIES = 4
PAUSE_S = 0.5  # before the second try; doubles
LONGEST_PAUSE_S = 60.0
ANSWER_S = 600.0  # for an answer, all tries of it together
CONNECT_S = 10.0
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
    url = address(base_url)
    told, trust = headers(api_key), not is_local(url)
    context = httpx.create_ssl_context(trust_env=trust)
    idle = list[httpx.Client]()

    @contextmanager
    def client() -> Iterator[httpx.Client]:
        """One that nobody else uses meanwhile: threads on one client wait for each other, and each looks through all connections."""
        try:
            one = idle.pop()
        except IndexError:
            one = httpx.Client(headers=told, trust_env=trust, verify=context)
        try:
            yield one
        finally:
            idle.append(one)

    def complete(messages: list[Message], tools: list[dict[str, Any]], sampling: dict[str, Any]) -> Completion:
        offered = {"tools": tools} if tools else {}  # an empty list is refused by some
        body = {"model": model, "messages": messages, **offered, **sampling, **(extra or {})}
        with client() as one:
            return completion_of(body, _post(one, url, body, api_key or "", time.monotonic() + timeout_s))

    return complete


def address(base_url: str) -> str:
    """Where chats are completed beneath a base URL. Raises BoundaryError("endpoint") for what is no http(s) URL."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BoundaryError("endpoint", f"not an http(s) URL: {base_url}")
    return base_url.rstrip("/") + ("" if parts.path.strip("/") else "/v1") + "/chat/completions"


def headers(api_key: str | None) -> dict[str, str]:
    """Those that show the key. Raises BoundaryError("endpoint") for one that a header can't hold, which HTTP's own errors would quote."""
    if api_key and not (api_key.isascii() and api_key.isprintable()):
        raise BoundaryError("endpoint", "the key has characters that no key has, a line end maybe")
    return {"Authorization": f"Bearer {api_key}"} if api_key else {}


def is_local(url: str) -> bool:
    """Whether a URL is on this machine: a proxy set for the world must not catch our own server."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def passes(status: int) -> bool:
    """Whether a refusal with this HTTP status may pass, so that trying again can help."""
    return status == 429 or status >= 500


def pause_s(attempt: int, retry_after: str = "") -> float:
    """Seconds to wait after try number `attempt` (from 0): what a Retry-After header says, where it says seconds, within a bound."""
    asked = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else PAUSE_S * 2**attempt
    return float(min(asked, LONGEST_PAUSE_S))


def refusal(failure: str) -> Exception:
    """What a failure that stays is raised as: ContextFull where the endpoint says that the prompt is too long, else BoundaryError."""
    return ContextFull(failure) if any(words in failure for words in TOO_LONG) else BoundaryError("endpoint", failure)


def too_long() -> BoundaryError:
    """What an answer of more than ANSWER_BYTES is raised as."""
    return BoundaryError("endpoint", f"an answer of more than {ANSWER_BYTES >> 20} MB")


def completion_of(body: dict[str, Any], response: Any) -> Completion:
    """The response with its tokens: vLLM's `prompt_token_ids` and `choices[0].token_ids`, OpenAI's `logprobs.content`.

    Raises BoundaryError("endpoint") where the response is no object, or its tokens are none.
    """
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


def parsed(status: int, text: str) -> Any:
    """The JSON of a response's body. Raises BoundaryError("endpoint") where it is none, or none that can be written down again."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise BoundaryError("endpoint", f"HTTP {status} with a body that is not JSON: {text[:200]}") from None
    if deeper(value, MOST_DEPTH):
        raise BoundaryError("endpoint", f"HTTP {status} with a body that is nested more than {MOST_DEPTH} deep")
    return value


def _post(client: httpx.Client, url: str, body: dict[str, Any], secret: str, deadline: float) -> Any:
    """The response's JSON. Tries again where that can help and there is time."""
    failure = ""
    for attempt in range(TRIES):
        pause = pause_s(attempt)
        try:
            response, text = _answer(client, url, body, deadline)
        except httpx.TimeoutException as error:
            raise BoundaryError("endpoint", f"no answer in time ({type(error).__name__})") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            failure = f"{type(error).__name__}: {error}"
        else:
            text = text.replace(secret, "[key]") if secret else text
            if response.is_success:
                return parsed(response.status_code, text)
            failure = f"HTTP {response.status_code}: {text[:500]}"
            if not passes(response.status_code):
                break
            pause = pause_s(attempt, response.headers.get("retry-after", ""))
        if attempt + 1 == TRIES or time.monotonic() + pause > deadline:
            break
        time.sleep(pause)
    raise refusal(failure)


def _answer(client: httpx.Client, url: str, body: dict[str, Any], deadline: float) -> tuple[httpx.Response, str]:
    """The response and its text. One that comes byte by byte has no more time than one that comes at once."""
    left = max(deadline - time.monotonic(), 0.001)
    got = bytearray()
    with client.stream("POST", url, json=body, timeout=httpx.Timeout(left, connect=min(left, CONNECT_S))) as response:
        for part in response.iter_bytes():
            got += part
            if len(got) > ANSWER_BYTES:
                raise too_long()
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("the answer goes on and on")
    return response, got.decode("utf-8", "replace")


def _ids(given: Any) -> tuple[int, ...]:
    """Token ids. Raises ValueError for what is no list of such."""
    ids = given or []
    if not isinstance(ids, list) or not all(type(i) is int and 0 <= i < MOST_ID for i in ids):
        raise ValueError
    return tuple(ids)
