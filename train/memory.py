"""Attention states that an engine keeps: one row's states by its tokens, and rows of unequal length side by side.

A conversation's next prompt repeats its last one, and all tasks share a long head (system prompt, tools). What was
computed for such a prefix is used again, which is most of the work of a turn on a CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicLayer

SPARE = 64  # token slots by which a layer's room grows


class Roomy(DynamicLayer):  # type: ignore[misc]
    """A cache layer with room to grow: the stock one copies all states for every token."""

    def lazy_initialization(self, key_states: Any, value_states: Any) -> None:
        """Start empty, with no room."""
        super().lazy_initialization(key_states, value_states)
        self.room: tuple[Any, Any] | None = None
        self.used = 0

    def update(self, key_states: Any, value_states: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Append states of shape (rows, heads, tokens, head width); returns all states, as views."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        end = self.used + key_states.shape[-2]
        if self.room is None or end > self.room[0].shape[-2]:
            self.room = self._wider(key_states, end), self._wider(value_states, end, 1)
        for room, new in zip(self.room, (key_states, value_states), strict=True):
            room[:, :, self.used : end] = new
        self.used = end
        self.keys, self.values = (room[:, :, :end] for room in self.room)
        return self.keys, self.values

    def _wider(self, new: Any, end: int, which: int = 0) -> Any:
        room = new.new_empty(*new.shape[:-2], end + SPARE, new.shape[-1])
        if self.room is not None:
            room[:, :, : self.used] = self.room[which][:, :, : self.used]
        return room


@dataclass(frozen=True)
class States:
    """The attention states of one row: `layers` holds (keys, values) of shape (1, heads, len(ids), head width)."""

    ids: tuple[int, ...]
    layers: tuple[tuple[Any, Any], ...]

    def head(self, length: int) -> States:
        """Those of the first `length` tokens."""
        return States(self.ids[:length], tuple((k[:, :, :length], v[:, :, :length]) for k, v in self.layers))


def cache_of(rows: Sequence[States]) -> tuple[Cache, Any]:
    """The rows' states as one cache, padded at the left, and its mask of shape (rows, tokens)."""
    longest = max((len(row.ids) for row in rows), default=0)
    mask = torch.zeros(len(rows), longest, dtype=torch.long)
    for n, row in enumerate(rows):
        mask[n, longest - len(row.ids) :] = 1
    cache = Cache(layer_class_to_replicate=Roomy)
    for layer in range(len(rows[0].layers) if rows else 0):
        keys, values = (torch.cat([_padded(row.layers[layer][part], longest) for row in rows]) for part in (0, 1))
        cache.update(keys, values, layer)
    return cache, mask


def rows_of(cache: Cache, ids: Sequence[tuple[int, ...]]) -> list[States]:
    """The states of each row of a left-padded cache, copied out of it; `ids` are the tokens that the rows hold."""
    return [
        States(
            own,
            tuple(
                (layer.keys[n : n + 1, :, -len(own) :].clone(), layer.values[n : n + 1, :, -len(own) :].clone()) for layer in cache.layers
            ),
        )
        for n, own in enumerate(ids)
    ]


def _padded(states: Any, length: int) -> Any:
    missing = length - states.shape[-2]
    return torch.nn.functional.pad(states, (0, 0, missing, 0)) if missing else states


class Memory:
    """States of finished rows, the latest used last, at most `tokens` tokens of them."""

    def __init__(self, tokens: int):
        self._tokens = tokens
        self._kept: list[States] = []

    def keep(self, states: States) -> None:
        """Remember a row; what it extends is forgotten, and so is what was not used for longest."""
        self._kept = [k for k in self._kept if k.ids != states.ids[: len(k.ids)]] + [states]
        while sum(len(k.ids) for k in self._kept) > self._tokens:
            del self._kept[0]

    def longest(self, ids: tuple[int, ...]) -> States | None:
        """The states of the longest remembered prefix of `ids`, short of all of it; None where nothing is shared."""
        shared = [_shared(k.ids, ids) for k in self._kept]
        best = max(range(len(shared)), key=shared.__getitem__, default=None)
        if best is None or min(shared[best], len(ids) - 1) < 1:
            return None
        self._kept.append(self._kept.pop(best))
        return self._kept[-1].head(min(shared[best], len(ids) - 1))

    def clear(self) -> None:
        """Forget everything: the weights have changed."""
        self._kept = []


def _shared(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if a[:middle] == b[:middle] else (low, middle - 1)
    return low
