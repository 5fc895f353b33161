"""A rollout's calls as turns of tokens: those that the endpoint told, or else those that the template makes of the text, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from specs.errors import BoundaryError
from specs.records import Call
from train import chat
from train.merging import Turn, recorded

ENDPOINT, TEMPLATE = "endpoint", "template"
Message = Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """A turn for each call (one that says nothing where a call got no answer), and who told the tokens: endpoint | template.

    `alone` are the same turns as each call by itself has them: as recorded, or with each text made into tokens in one go, as a server
    makes a prompt.
    """

    told: str
    turns: list[Turn]
    alone: list[Turn]


def of(tokenizer: Any, calls: Sequence[Call]) -> Told:
    """The calls' turns. Raises BoundaryError("template") for a request or an answer that the template can't render.

    The endpoint's tokens are taken as they are where all answers have them and they are tokens of this tokenizer; a model that is taught
    by another one may have a different vocabulary.
    """
    answered = [call for call in calls if answer(call) is not None]
    if answered and all(call.prompt_ids and call.completion_ids for call in answered) and _fits(tokenizer, answered):
        turns = recorded(calls)
        return Told(ENDPOINT, turns, turns)
    texts = _texts(tokenizer, calls)
    alone = [Turn(tuple(chat.encode(tokenizer, head)), tuple(chat.encode(tokenizer, said))) for head, said in texts]
    return Told(TEMPLATE, _made(tokenizer, texts), alone)


def answer(call: Call) -> Message | None:
    """The assistant's message of a call, or None where it got none."""
    message = _choice(call).get("message")
    return {**message, "role": "assistant"} if isinstance(message, dict) else None


def _choice(call: Call) -> Message:
    response: Any = call.response
    choices = response.get("choices") if isinstance(response, dict) else None
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}


def _fits(tokenizer: Any, calls: Sequence[Call]) -> bool:
    """Whether most of the answers that have words are what the tokenizer reads in their tokens (some bytes are no text to anybody)."""
    known = range(len(tokenizer))
    if any(min(ids) not in known or max(ids) not in known for call in calls for ids in (call.prompt_ids, call.completion_ids)):
        return False
    worded = [(tokenizer.decode(call.completion_ids), words) for call in calls if (words := _words(answer(call) or {}))]
    return 2 * sum(all(word in text for word in words) for text, words in worded) > len(worded)


def _words(message: Message) -> list[str]:
    """Pieces of text that stand in an answer's tokens however its message was parsed out of them."""
    calls = [c for c in message.get("tool_calls") or () if isinstance(c, dict)]
    names = [str(c["function"].get("name") or "") for c in calls if isinstance(c.get("function"), dict)]
    content = message.get("content")
    return [text for text in (*names, content.strip() if isinstance(content, str) else "") if text]


def _texts(tokenizer: Any, calls: Sequence[Call]) -> list[tuple[str, str]]:
    """(what the model saw, what it said) of each call as text; nothing where a call got no answer."""
    said_at: dict[int, list[Message]] = {}
    try:
        for call in calls:
            if (said := answer(call)) is not None:
                said_at.setdefault(len(call.request["messages"]), []).append(said)
        return [_text(tokenizer, call, said_at) for call in calls]
    except BoundaryError:
        raise
    except Exception as error:  # a request is whatever an agent sent, and templates fail in their own ways
        raise BoundaryError("template", f"a call's messages can't be rendered: {type(error).__name__}: {error}") from error


def _text(tokenizer: Any, call: Call, said_at: Mapping[int, Sequence[Message]]) -> tuple[str, str]:
    said = answer(call)
    if said is None:
        return "", ""
    request: Any = call.request
    messages = [_as_said(m, said_at.get(n, ())) for n, m in enumerate(request["messages"])]
    return chat.turn(tokenizer, messages, said, request.get("tools") or [], ended=_choice(call).get("finish_reason") != "length")


def _as_said(message: Message, said: Sequence[Message]) -> Message:
    """A message as the policy said it there, where a harness repeats it in another writing of the same: the order of keys, 1 for 1.0."""
    if message["role"] != "assistant":
        return message
    return next((s for s in said if chat.plain([s]) == chat.plain([message])), message)


def _made(tokenizer: Any, texts: Sequence[tuple[str, str]]) -> list[Turn]:
    """Tokens for the texts, in their order. What a text shares with all that an earlier call saw and said is not made again."""
    made: dict[str, tuple[int, ...]] = {}
    turns: dict[int, Turn] = {}
    for n in sorted(range(len(texts)), key=lambda n: len(texts[n][0])):
        head, said = texts[n]
        before = max((text for text in made if head.startswith(text)), key=len, default="")
        prompt = (*made.get(before, ()), *chat.encode(tokenizer, head[len(before) :]))
        turns[n] = Turn(prompt, tuple(chat.encode(tokenizer, said)))
        made.setdefault(head + said, turns[n].whole)
    return [turns[n] for n in range(len(texts))]
