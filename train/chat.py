"""Conversations as tokens and back: what a policy is given, which tokens it says, and what its tokens mean.

A conversation is rendered in pieces that end exactly where a policy starts and stops speaking, so the tokens that
are trained on are those the policy would have produced, and the mask needs no guessing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from specs import digests
from specs.errors import BoundaryError

END = "<|im_end|>"
OPEN, CLOSE = "<tool_call>", "</tool_call>"
FIRST = ("type", "function", "name", "description", "parameters", "properties")  # as schemas are mostly written
Messages = Sequence[Mapping[str, Any]]


def plain(messages: Messages) -> list[dict[str, Any]]:
    """OpenAI's messages as the chat template wants them: content is text, arguments are objects, developers speak for the system."""
    return [_plain(m) for m in messages]


def _plain(message: Mapping[str, Any]) -> dict[str, Any]:
    role = "system" if message["role"] == "developer" else message["role"]  # templates pass over roles that they don't know
    out: dict[str, Any] = {"role": role, "content": _text(message.get("content"))}
    if message.get("tool_calls"):
        functions = [c["function"] for c in message["tool_calls"]]
        out["tool_calls"] = [
            {"type": "function", "function": {"name": f["name"], "arguments": _object(f.get("arguments"))}} for f in functions
        ]
    return out


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return "" if content is None else str(content)


def _object(arguments: Any) -> Any:
    if not isinstance(arguments, str):
        return arguments or {}
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments  # shown to the policy as it stands


def _ordered(value: Any) -> Any:
    """JSON with its keys in one order: a recorded schema has them sorted, a live one as written, and a policy must see the same."""
    if isinstance(value, list):
        return [_ordered(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {k: _ordered(value[k]) for k in sorted(value, key=lambda k: (FIRST.index(k) if k in FIRST else len(FIRST), k))}


def render(tokenizer: Any, messages: Messages, tools: Sequence[Any], ask: bool) -> str:
    """The conversation as text; with `ask`, up to where the assistant starts to speak."""
    text: str = tokenizer.apply_chat_template(
        plain(messages), tools=_ordered(list(tools)) or None, tokenize=False, add_generation_prompt=ask
    )
    return text


def encode(tokenizer: Any, text: str) -> list[int]:
    """Token ids of a text, nothing added."""
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
    return ids


def turn(tokenizer: Any, messages: Messages, answer: Mapping[str, Any], tools: Sequence[Any], ended: bool) -> tuple[str, str]:
    """(what a policy is given, what it says) as text. What it says ends with <|im_end|> if it `ended`, and was not cut off.

    Raises BoundaryError("template") where the template does not extend a conversation by appending.
    """
    head = render(tokenizer, messages, tools, ask=True)
    whole = render(tokenizer, [*messages, answer], tools, ask=False).removesuffix("\n")
    if not (whole.startswith(head) and whole.endswith(END)):
        raise BoundaryError("template", f"message {len(messages)} changes the text before it")
    said = whole[len(head) :]
    return head, said if ended else said.removesuffix(END)


def following(tokenizer: Any, messages: Messages, answered: int, tools: Sequence[Any], ended: bool) -> list[int]:
    """Tokens between the end of the assistant's message `answered` (an index) and where it speaks next.

    `ended`: whether the policy said <|im_end|> itself. Raises BoundaryError("template") as `turn` does.
    """
    said = render(tokenizer, messages[: answered + 1], tools, ask=False).removesuffix("\n")
    whole = render(tokenizer, messages, tools, ask=True)
    if not whole.startswith(said):
        raise BoundaryError("template", f"what follows message {answered} changes the text before it")
    return encode(tokenizer, ("" if ended else END) + whole[len(said) :])


def parse(text: str) -> dict[str, Any]:
    """An assistant's message from what it said: content, and `tool_calls` where every call in it is well formed.

    A malformed call stays as content, all of it: nothing is run that the policy did not clearly ask for.
    """
    said = text.removesuffix(END)
    content, mark, rest = said.partition(OPEN)
    calls = _calls(mark + rest)
    if not calls:
        return {"role": "assistant", "content": said}
    return {"role": "assistant", "content": content.removesuffix("\n"), "tool_calls": calls}


def _calls(text: str) -> list[dict[str, Any]] | None:
    calls = []
    rest = text.strip()
    while rest:
        if not rest.startswith(OPEN):
            return None
        body = rest[len(OPEN) :].lstrip()
        try:
            call, end = json.JSONDecoder().raw_decode(body)
        except ValueError:
            return None
        rest = body[end:].lstrip()
        if not rest.startswith(CLOSE) or not _well_formed(call):
            return None
        rest = rest[len(CLOSE) :].lstrip()
        calls.append({"type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}})
    return calls


def _well_formed(call: Any) -> bool:
    return (
        isinstance(call, dict)
        and isinstance(call.get("name"), str)
        and call["name"].isprintable()
        and isinstance(call.get("arguments"), dict)
    )


def message(tokenizer: Any, completion_ids: Sequence[int]) -> dict[str, Any]:
    """OpenAI's assistant message for completion tokens: arguments as JSON text, ids made from the tokens."""
    parsed = parse(tokenizer.decode(completion_ids, skip_special_tokens=False))
    for n, call in enumerate(parsed.get("tool_calls", [])):
        call["id"] = "call" + digests.digest([list(completion_ids), n])[:12]  # no underscore: some harnesses strip it
        call["function"]["arguments"] = json.dumps(call["function"]["arguments"])  # ASCII: an escaped lone surrogate is no UTF-8
    return parsed


def response(tokenizer: Any, name: str, prompt: Sequence[int], ids: Sequence[int], logprobs: Sequence[float]) -> dict[str, Any]:
    """OpenAI's chat-completion response for completion tokens, with vLLM's `prompt_token_ids` and `token_ids`."""
    said = message(tokenizer, ids)
    ended = bool(ids) and ids[-1] == tokenizer.convert_tokens_to_ids(END)
    texts = [tokenizer.decode([i]) for i in ids]
    choice = {
        "index": 0,
        "message": said,
        "finish_reason": "length" if not ended else "tool_calls" if said.get("tool_calls") else "stop",
        "logprobs": {"content": [{"token": t, "logprob": v, "top_logprobs": []} for t, v in zip(texts, logprobs, strict=True)]},
        "token_ids": list(ids),
    }
    return {
        "id": "chatcmpl-" + digests.digest([prompt, ids])[:24],
        "object": "chat.completion",
        "created": int(time.time()),
        "model": name,
        "choices": [choice],
        "usage": {"prompt_tokens": len(prompt), "completion_tokens": len(ids), "total_tokens": len(prompt) + len(ids)},
        "prompt_token_ids": list(prompt),
    }
