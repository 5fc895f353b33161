"""How alike texts are: n-grams of words, with literals masked or not, and the nearest neighbour of each by what they share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]

SHINGLE = 5  # words
LITERAL = "LITERAL"  # no word is written in capitals once lowered
_QUOTED = r"`[^`\n]*`|“[^”\n]*”|\"[^\"\n]*\""
_NUMBER = r"\d+(?:[.,:/T-]\d+)*"
_LITERALS = re.compile(f"{_QUOTED}|{_NUMBER}")
_WORD = re.compile(r"\w+(?:['’]\w+)*")


def words(text: str) -> list[str]:
    """The text's words in lower case, without punctuation."""
    return _WORD.findall(text.lower())


def masked(text: str) -> list[str]:
    """The text's words with one LITERAL for each run of paths and names in backticks, quoted values and numbers."""
    found: list[str] = []
    for word in _WORD.findall(_LITERALS.sub(f" {LITERAL} ", text.lower())):
        if word != LITERAL or found[-1:] != [LITERAL]:
            found.append(word)
    return found


def ngrams(texts: Iterable[Sequence[str]], n: int) -> list[Ids]:
    """The n-grams of each text in order, as numbers that are equal where the words are; a shorter text is one n-gram.

    Exact: an n-gram's number stands for the pair of the shorter one's number and the word behind it.
    """
    known: dict[str, int] = {"": 0}  # fills short texts up
    coded = [np.array([known.setdefault(w, len(known)) for w in t] + [0] * (n - len(t)), dtype=np.int64) for t in texts]
    if not coded:
        return []
    flat = np.concatenate(coded)
    grams = flat
    for size in range(1, n):
        pairs = grams[:-1] * len(known) + flat[size:]
        grams = np.unique(pairs, return_inverse=True)[1]
    starts = np.cumsum([0, *(len(c) for c in coded[:-1])])
    return [grams[start : start + len(c) - n + 1] for start, c in zip(starts, coded, strict=True)]


def nearest(grams: Sequence[Ids], groups: Sequence[str] | None = None) -> Floats:
    """For each text the largest Jaccard similarity of its set of n-grams to that of any other text, 0 where there is no other.

    With `groups`, one a text, only texts of other groups are others. Exact, by an inverted index: the time goes with the
    number of pairs that share an n-gram, the memory with the number of n-grams.
    """
    sets = [np.unique(g) for g in grams]
    sizes = np.array([len(s) for s in sets], dtype=np.float64)
    order, starts = _index(sets)
    _, group = np.unique(np.arange(len(sets)) if groups is None else np.array(groups), return_inverse=True)
    best = np.zeros(len(sets))
    for number, own in enumerate(sets):
        holders = np.concatenate([order[starts[g] : starts[g + 1]] for g in own])
        shared = np.bincount(holders, minlength=len(sets)).astype(np.float64)
        shared[group == group[number]] = 0
        best[number] = np.max(shared / (sizes[number] + sizes - shared))
    return best


def _index(sets: Sequence[Ids]) -> tuple[NDArray[np.int32], Ids]:
    """The texts that hold each n-gram, one n-gram after the other; and where each one's begin."""
    flat = np.concatenate(sets) if sets else np.zeros(0, dtype=np.int64)
    holder = np.repeat(np.arange(len(sets), dtype=np.int32), [len(s) for s in sets])
    return holder[np.argsort(flat, kind="stable")], np.concatenate([[0], np.cumsum(np.bincount(flat))])


def distinct(grams: Sequence[Ids]) -> float:
    """Different n-grams among all of them."""
    flat = np.concatenate(grams) if grams else np.zeros(0)
    return len(np.unique(flat)) / len(flat) if len(flat) else 0.0


def nearest_cosine(vectors: NDArray[np.float32]) -> Floats:
    """For each row of unit length the largest cosine to any other, 0 where there is no other."""
    if len(vectors) < 2:
        return np.zeros(len(vectors))
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -1)
    best: Floats = cosines.max(axis=1).astype(np.float64)
    return best


def vendi(vectors: NDArray[np.float32]) -> float:
    """The Vendi score of n rows of unit length: how many wholly unlike texts would be as diverse; 1 to n.

    exp of the entropy of the eigenvalues of K/n, K the cosines (Friedman and Dieng, "The Vendi Score", 2022,
    arXiv 2210.02410). The eigenvalues are taken of the smaller of the two products of the vectors, which share those above 0.
    """
    if not len(vectors):
        return 0.0
    rows = vectors.astype(np.float64)
    product = rows.T @ rows if rows.shape[1] < len(rows) else rows @ rows.T
    values = np.linalg.eigvalsh(product / len(rows))
    positive = values[values > 1e-12]
    return float(np.exp(-np.sum(positive * np.log(positive))))
