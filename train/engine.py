"""Generation, tokens in and tokens out: requests of several threads are decoded side by side by one worker thread.

A request's tokens depend on its prompt, its sampling and its seed, not on which requests happen to run beside it
(up to rounding): each row draws from a generator of its own.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from specs import digests
from train.memory import Memory, States, cache_of, rows_of

KEPT_TOKENS = 16_384  # of attention states; 45 KiB a token for the 135M model in fp32


class TooLong(Exception):
    """A prompt that leaves no room for an answer in the model's context window."""


@dataclass(frozen=True)
class Generated:
    """Completion tokens, their log-probabilities under the distribution drawn from, and whether the policy ended by itself."""

    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    ended: bool


@dataclass
class _Row:
    """A request on its way. `states` cover all tokens but the last one chosen."""

    prompt: tuple[int, ...]
    temperature: float
    top_p: float
    most: int
    draw: Any
    answer: Future[Generated]
    states: States | None = None
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    ended: bool = False

    def covered(self) -> tuple[int, ...]:
        return self.prompt + tuple(self.ids[:-1])

    def done(self) -> bool:
        return self.ended or len(self.ids) >= self.most


class Engine:
    """Generates with a causal language model of transformers. Use as a context manager, or `close` it.

    `stop` is the token that ends an answer; `rows` how many requests are decoded at once.
    """

    def __init__(self, model: Any, stop: int, rows: int = 8, kept_tokens: int = KEPT_TOKENS):
        self._model = model
        self._stop = stop
        self._rows = rows
        self._memory = Memory(kept_tokens)
        self._waiting: queue.Queue[_Row | None] = queue.Queue()
        self._worker = threading.Thread(target=self._work, name="engine", daemon=True)
        self._worker.start()

    @property
    def window(self) -> int:
        """Tokens that prompt and completion may have together."""
        return int(self._model.config.max_position_embeddings)

    def generate(self, prompt_ids: Sequence[int], sampling: Mapping[str, Any]) -> Generated:
        """Complete a prompt; blocks. `sampling`: temperature (1; 0 is greedy), top_p (1), max_tokens (128), seed (random).

        The stop token is part of the completion. Raises TooLong, and whatever the model raises.
        """
        prompt = tuple(prompt_ids)
        room = self.window - len(prompt)
        if room < 1:
            raise TooLong(f"this model's maximum context length is {self.window} tokens; the prompt has {len(prompt)}")
        seed = sampling.get("seed")
        key = digests.digest([int.from_bytes(os.urandom(8)) if seed is None else seed, prompt])
        draw = torch.Generator(device="cpu").manual_seed(int(key[:12], 16))
        temperature, top_p = (float(_given(sampling, name, 1.0)) for name in ("temperature", "top_p"))
        row = _Row(prompt, temperature, top_p, min(int(_given(sampling, "max_tokens", 128)), room), draw, Future())
        self._waiting.put(row)
        return row.answer.result()

    def forget(self) -> None:
        """Call when the model's weights have changed and no request is running."""
        self._memory.clear()

    def close(self) -> None:
        """End the worker; requests that run are finished first."""
        self._waiting.put(None)
        self._worker.join()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _work(self) -> None:
        running: list[_Row] = []
        closing = False
        while running or not closing:
            while len(running) < self._rows and not closing and (not running or not self._waiting.empty()):
                row = self._waiting.get()
                if row is None:
                    closing = True
                elif self._started(row):
                    running.append(row)
            running = self._decoded(running)

    def _started(self, row: _Row) -> bool:
        """Run the prompt and choose the first token. Returns whether the row goes on."""
        try:
            with torch.no_grad():
                self._prefill(row)
        except Exception as error:  # the request's thread raises it
            row.answer.set_exception(error)
            return False
        return not self._finished(row)

    def _prefill(self, row: _Row) -> None:
        known = self._memory.longest(row.prompt)
        cache, mask = cache_of([known]) if known else (None, None)
        start = len(known.ids) if known else 0
        cache, logits = self._forward(torch.tensor([row.prompt[start:]]), cache, mask, torch.arange(start, len(row.prompt))[None])
        row.states = rows_of(cache, [row.prompt])[0]
        self._memory.keep(row.states)
        self._choose(row, logits[0])

    def _forward(self, ids: Any, cache: Any, mask: Any, positions: Any) -> tuple[Any, Any]:
        """(cache, logits of the last position as fp32 on the CPU)."""
        fresh = torch.ones_like(ids)
        mask = fresh if mask is None else torch.cat([mask, fresh], dim=1)
        device = self._model.device
        cache = cache_of([])[0] if cache is None else cache
        out = self._model(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            position_ids=positions.to(device),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return cache, out.logits[:, -1].float().cpu()

    def _decoded(self, rows: list[_Row]) -> list[_Row]:
        """Decode until a row finishes or another one waits for a free place; returns those that go on."""
        if not rows:
            return rows
        try:
            with torch.no_grad():
                return self._decode(rows)
        except Exception as error:  # the requests' threads raise it
            for row in rows:
                if not row.answer.done():
                    row.answer.set_exception(error)
            return []

    def _decode(self, rows: list[_Row]) -> list[_Row]:
        cache, mask = cache_of([row.states for row in rows if row.states])
        while not any(row.done() for row in rows) and (len(rows) == self._rows or self._waiting.empty()):
            last = torch.tensor([[row.ids[-1]] for row in rows])
            positions = torch.tensor([[len(row.prompt) + len(row.ids) - 1] for row in rows])
            cache, logits = self._forward(last, cache, mask, positions)
            mask = torch.cat([mask, torch.ones_like(last)], dim=1)
            for row, scores in zip(rows, logits, strict=True):
                self._choose(row, scores)
        for row, states in zip(rows, rows_of(cache, [row.covered() for row in rows]), strict=True):
            row.states = states
        return [row for row in rows if not self._finished(row)]

    def _choose(self, row: _Row, logits: Any) -> None:
        """Take the next token by the row's own sampling."""
        logprobs = torch.log_softmax(logits / row.temperature if row.temperature > 0 else logits, dim=-1)
        if row.temperature <= 0:
            chosen = int(logprobs.argmax())
        else:
            chosen = int(torch.multinomial(_nucleus(logprobs.exp(), row.top_p), 1, generator=row.draw))
        row.ids.append(chosen)
        row.logprobs.append(float(logprobs[chosen]))
        row.ended = chosen == self._stop

    def _finished(self, row: _Row) -> bool:
        if not row.done():
            return False
        if row.states:
            self._memory.keep(row.states)
        row.answer.set_result(Generated(tuple(row.ids), tuple(row.logprobs), row.ended))
        return True


def _given(sampling: Mapping[str, Any], name: str, otherwise: float) -> Any:
    value = sampling.get(name)
    return otherwise if value is None else value


def _nucleus(probabilities: Any, top_p: float) -> Any:
    """The probabilities with all but the smallest set that holds `top_p` of the mass set to zero."""
    if top_p >= 1:
        return probabilities
    ordered, index = probabilities.sort(descending=True)
    outside = ordered.cumsum(-1) - ordered >= top_p
    outside[0] = False
    return probabilities.index_fill(0, index[outside], 0.0)


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def quick_dtype(device: str) -> Any:
    """bf16, but fp32 on a CPU that has no instructions for bf16: there a batch decodes at two thirds of fp32's speed."""
    native = torch.cpu.get_capabilities() if device == "cpu" else {}
    quick = device != "cpu" or any(native.get(name) for name in ("avx512_bf16", "amx_bf16", "arm_bf16", "bf16"))
    return torch.bfloat16 if quick else torch.float32


def load(folder: Path, device: str = "cpu", dtype: Any = None) -> tuple[Any, Any]:
    """(model in eval mode, tokenizer) of a checkpoint, in the given dtype or the quicker one."""
    torch.set_num_threads(cores())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype or quick_dtype(device)).to(device).eval()
    return model, tokenizer
