"""An OpenAI-compatible endpoint: requests at a steady rate, tried again where that can help, and replies without surprises."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
from openai.types.chat import ChatCompletion

from specs import located
from specs.errors import BoundaryError, UserError
from specs.replies import Reply, Request

LONGEST_REPLY = 200_000  # characters; more is no answer to anything that is asked here


class CallFailed(BoundaryError):
    """A call that came to no reply. `reason` is a word for counting."""

    def __init__(self, reason: str, message: str):
        super().__init__("endpoint", message)
        self.reason = reason


class Pace:
    """Lets requests through at a steady rate, those that are tried again included."""

    def __init__(self, per_minute: float):
        self._every_s = 60 / per_minute
        self._next_s = 0.0

    async def wait(self, _: object = None) -> None:
        now = asyncio.get_running_loop().time()
        self._next_s = max(now, self._next_s)
        pause = self._next_s - now
        self._next_s += self._every_s
        if pause > 0:
            await asyncio.sleep(pause)


class Endpoint:
    """A chat-completions endpoint. Time-outs, lost connections, 429 and 5xx are tried again by the client, after Retry-After."""

    def __init__(self, section: Mapping[str, Any], key: str | None):
        url = str(section["endpoint"])
        parts = urlsplit(url)
        pace = Pace(float(section["requests_per_minute"]))
        self._key = key
        self._unknown: set[str] = set()  # ways to ask for JSON that the endpoint has refused
        self._client = openai.AsyncOpenAI(
            base_url=url.rstrip("/") + ("" if parts.path.strip("/") else "/v1"),
            api_key=key or "none",  # else the client would look for a key that was not meant for this endpoint
            timeout=float(section["timeout_s"]),
            max_retries=int(section["retries"]),
            http_client=openai.DefaultAsyncHttpxClient(
                trust_env=parts.hostname not in ("127.0.0.1", "localhost", "::1"),  # a proxy set for the world must not catch our own
                event_hooks={"request": [pace.wait]},
            ),
        )

    async def ask(self, request: Request) -> Reply:
        """The reply to a request. Raises CallFailed where there is none after all tries."""
        try:
            return self._reply(await self._create(request))
        except openai.APITimeoutError:
            raise CallFailed("time-out", "no answer in time") from None
        except openai.APIStatusError as error:
            reason = "rate-limit" if error.status_code == 429 else f"http-{error.status_code}"
            raise CallFailed(reason, f"HTTP {error.status_code}: {self._clean(str(error.message))[:300]}") from None
        except openai.APIConnectionError as error:
            raise CallFailed("connection", self._clean(str(error.__cause__ or error))) from None
        except (openai.OpenAIError, json.JSONDecodeError, UnicodeError) as error:
            raise CallFailed("unreadable", f"a response that is none: {type(error).__name__}") from None

    async def close(self) -> None:
        await self._client.close()

    async def _create(self, request: Request) -> Any:
        """A raw response; JSON is asked for where the endpoint knows how to be asked."""
        body: dict[str, Any] = dict(request.sampling)
        for form in _forms(request):
            if form["type"] in self._unknown:
                continue
            try:
                return await self._send(request, {**body, "response_format": form})
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if not any(word in str(error.message) for word in ("response_format", "json_schema", "json_object")):
                    raise
                self._unknown.add(form["type"])
        return await self._send(request, body)

    async def _send(self, request: Request, body: dict[str, Any]) -> Any:
        messages: Any = list(request.messages)
        return await self._client.chat.completions.create(model=request.model, messages=messages, extra_body=body)

    def _reply(self, response: Any) -> Reply:
        if not isinstance(response, ChatCompletion) or not isinstance(response.choices, list) or not response.choices:
            raise CallFailed("unreadable", "a response without choices")
        message, usage = getattr(response.choices[0], "message", None), response.usage
        text = getattr(message, "content", None) or ""
        declined = getattr(message, "refusal", None) or ""
        if message is None or not isinstance(text, str) or not isinstance(declined, str) or len(text) + len(declined) > LONGEST_REPLY:
            raise CallFailed("unreadable", "a response without a text of a fair length")
        finish = self._clean(str(getattr(response.choices[0], "finish_reason", None) or ""))
        return Reply(self._clean(text), finish, self._clean(declined), _count(usage, "prompt_tokens"), _count(usage, "completion_tokens"))

    def _clean(self, text: str) -> str:
        """Text that can be written down, without the key, should the other side send it back."""
        text = text.encode("utf-8", "replace").decode("utf-8")
        return text.replace(self._key, "[key]") if self._key else text


def key_of(stage: str, section: Mapping[str, Any]) -> str | None:
    """The key of a stage's endpoint, out of the environment. Raises UserError where the variable is named and not set."""
    name = section.get("key_env")
    if name is None:
        return None
    if not os.environ.get(name):
        hint = "set it to the endpoint's key, or `key_env:` to nothing"
        raise UserError([located.load(Path("params.yaml")).problem((stage, "key_env"), f"the environment has no {name}", hint)])
    return os.environ[name]


def _forms(request: Request) -> Iterator[dict[str, Any]]:
    """Ways to ask for JSON, the strictest first."""
    if request.schema is not None:
        yield {"type": "json_schema", "json_schema": {"name": request.kind, "strict": True, "schema": request.schema}}
    yield {"type": "json_object"}


def _count(usage: Any, name: str) -> int:
    """Tokens as the endpoint counts them; 0 where it says nothing sensible."""
    count = getattr(usage, name, None)
    return count if isinstance(count, int) and not isinstance(count, bool) else 0
