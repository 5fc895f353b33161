"""A multi-turn episode as one strip of tokens: what the policy said stays as it said it, and only what is new is appended.

Rendering a conversation anew would write the policy's own words in another way (spaces in a tool call, a cut-off
answer), and the policy would be trained on tokens that it never saw or said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.harness import Completion, ContextFull
from specs.errors import BoundaryError
from train import chat
from train.engine import Engine, TooLong


class Tape:
    """Completes an episode's turns with an engine, and keeps its tokens. One Tape is one episode; call it as a `Complete`.

    After an episode, `prompt_ids` is the first prompt; `completion_ids`, `mask` and `logprobs` are of one length and cover all
    that came after it: mask 1 and the log-probability on the policy's own tokens, 0 and 0.0 on the others.
    """

    def __init__(self, engine: Engine, tokenizer: Any, name: str, window: int):
        self.prompt_ids: list[int] = []
        self._engine, self._tokenizer, self._name = engine, tokenizer, name
        self._window = min(window, engine.window)
        self._ids: list[int] = []
        self._mask: list[int] = []
        self._logprobs: list[float] = []
        self._sent: list[Any] = []
        self._ended = False

    def __call__(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any], sampling: Mapping[str, Any]) -> Completion:
        """One turn. Raises ContextFull past the window, BoundaryError("harness") where earlier messages were changed."""
        if self.prompt_ids:
            self._extend(messages, tools)
        else:
            self.prompt_ids = chat.encode(self._tokenizer, chat.render(self._tokenizer, messages, tools, ask=True))
        self._sent = list(messages)
        prompt = self.prompt_ids + self._ids
        room = self._window - len(prompt)
        if room < 1:
            raise ContextFull(f"{len(prompt)} tokens; the window has {self._window}")
        most = min(int(sampling.get("max_tokens") or room), room)
        try:
            said = self._engine.generate(prompt, {**sampling, "max_tokens": most})
        except TooLong as error:
            raise ContextFull(str(error)) from None
        self._append(said.ids, 1, said.logprobs)
        self._ended = said.ended
        return Completion(
            chat.response(self._tokenizer, self._name, prompt, said.ids, said.logprobs), tuple(prompt), said.ids, said.logprobs
        )

    def _extend(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any]) -> None:
        answered = len(self._sent)
        if list(messages[:answered]) != self._sent or messages[answered]["role"] != "assistant":
            raise BoundaryError("harness", "the conversation did not go on from where the policy spoke")
        self._append(chat.following(self._tokenizer, messages, answered, tools, self._ended), 0)

    def _append(self, ids: Sequence[int], own: int, logprobs: Sequence[float] = ()) -> None:
        self._ids += ids
        self._mask += [own] * len(ids)
        self._logprobs += logprobs or [0.0] * len(ids)

    @property
    def _length(self) -> int:
        """Up to the policy's last token: what came after it taught nobody anything."""
        return len(self._mask) - self._mask[::-1].index(1) if 1 in self._mask else 0

    @property
    def completion_ids(self) -> list[int]:
        return self._ids[: self._length]

    @property
    def mask(self) -> list[int]:
        return self._mask[: self._length]

    @property
    def logprobs(self) -> list[float]:
        return self._logprobs[: self._length]
