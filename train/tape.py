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
    """Completes an episode's turns with an engine. One Tape is one episode; call it as a `Complete`.

    Each turn's prompt begins with all that the one before saw and said, so that an episode's calls merge into one sequence.
    """

    def __init__(self, engine: Engine, tokenizer: Any, name: str, window: int):
        self._engine, self._tokenizer, self._name = engine, tokenizer, name
        self._window = min(window, engine.window)
        self._ids: list[int] = []
        self._sent: list[Any] = []
        self._ended = False

    def __call__(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any], sampling: Mapping[str, Any]) -> Completion:
        """One turn. Raises ContextFull past the window, BoundaryError("harness") where earlier messages were changed."""
        self._ids += self._new(messages, tools)
        self._sent = list(messages)
        prompt = tuple(self._ids)
        room = self._window - len(prompt)
        if room < 1:
            raise ContextFull(f"{len(prompt)} tokens; the window has {self._window}")
        most = min(int(sampling.get("max_tokens") or room), room)
        try:
            said = self._engine.generate(prompt, {**sampling, "max_tokens": most})
        except TooLong as error:
            raise ContextFull(str(error)) from None
        self._ids += said.ids
        self._ended = said.ended
        return Completion(chat.response(self._tokenizer, self._name, prompt, said.ids, said.logprobs), prompt, said.ids, said.logprobs)

    def _new(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any]) -> list[int]:
        """The tokens that a turn's messages add to those so far."""
        if not self._sent:
            return chat.encode(self._tokenizer, chat.render(self._tokenizer, messages, tools, ask=True))
        answered = len(self._sent)
        if list(messages[:answered]) != self._sent or messages[answered]["role"] != "assistant":
            raise BoundaryError("harness", "the conversation did not go on from where the policy spoke")
        return chat.following(self._tokenizer, messages, answered, tools, self._ended)
