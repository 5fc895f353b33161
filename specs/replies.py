"""Requests to a chat model and its replies, as plain values, so that asking and deciding from what is recorded are the same code."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from specs import digests

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """One call. Its digest is what the response is recorded under; where the endpoint is and how it is reached is not in it.

    `kind` is a word for counting; `schema` the JSON Schema that the answer is asked to follow, where there is one.
    """

    kind: str
    model: str
    messages: tuple[dict[str, str], ...]
    sampling: dict[str, Any]
    schema: dict[str, Any] | None = None

    @property
    def digest(self) -> str:
        return digests.digest([self.model, self.messages, self.sampling, *([] if self.schema is None else [self.schema])])


@dataclass(frozen=True)
class Reply:
    """What of a response counts: its text, why it ended (stop, length, ...), the model's refusal where it gave one, tokens used."""

    text: str
    finish: str
    declined: str
    prompt_tokens: int
    completion_tokens: int


Talk = Generator[Request, Reply, T]  # yields requests, is sent replies, returns what the exchange comes to


class NoObject(Exception):
    """A reply without a JSON object; `reason` is a word for counting, the message says what is wrong."""

    def __init__(self, reason: str, message: str):
        super().__init__(message)
        self.reason = reason


def said(role: str, content: str) -> dict[str, str]:
    """A message of a chat."""
    return {"role": role, "content": content}


def json_object(reply: Reply) -> dict[str, Any]:
    """The JSON object in a reply, which may stand in a fence or between other words. Raises NoObject."""
    if reply.declined:
        raise NoObject("declined", f"the model declined: {reply.declined[:200]}")
    if reply.finish == "length":
        raise NoObject("cut-off", "the answer was cut off")
    text = reply.text.rpartition("</think>")[2]
    start, end = text.find("{"), text.rfind("}")
    try:
        value = json.loads(text[start : end + 1])
        digests.canonical(value).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise NoObject("not-json", "the answer is not JSON") from None
    if not isinstance(value, dict):
        raise NoObject("not-json", "the answer is not a JSON object")
    return value
