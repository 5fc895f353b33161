"""The record that is trained on: calls of a rollout as one sequence of tokens."""

from __future__ import annotations

from dataclasses import dataclass

from specs.records import SCHEMA_VERSION


@dataclass(frozen=True)
class Span:
    """`input_ids[start:end]` of a sequence is what call number `call` of its rollout said, and all before it what that call saw."""

    call: int
    start: int
    end: int


@dataclass(frozen=True)
class Sequence:
    """Calls of a solved rollout as tokens: `mask` is 1 where the loss is taken (what the assistant said), `spans` says in which call.

    A rollout has several where its harness rewrote the history. `logprobs` are the model's own, 0.0 outside the mask, or empty if
    nobody told them. `differing` counts tokens that a call has otherwise by itself: as recorded, or as the template makes them of its text.
    """

    id: str
    rollout: str
    task: str
    told: str  # who told the tokens: endpoint | template
    input_ids: tuple[int, ...]
    mask: tuple[int, ...]
    logprobs: tuple[float, ...]
    spans: tuple[Span, ...]
    differing: int
    schema_version: int = SCHEMA_VERSION
