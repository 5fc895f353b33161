"""Stage dataset: what the compiled tasks are like, how alike, what they cover, what both splits share; in figures and plots."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import yaml

from bench import contamination, distributions, embedding, entries, likeness
from bench.distributions import BINS
from bench.embedding import Embedded
from bench.entries import Entries, Entry
from bench.likeness import Floats, Ids
from specs import catalogue, errors, layout, params
from specs.catalogue import Catalogue
from specs.store import Store

TAXONOMY = Path("specs/taxonomy.yaml")
MANY = {  # what is counted of each task
    "words": lambda e: len(e.instruction.split()),
    "operations": lambda e: len(e.operations),
    "inputs": lambda e: len(e.inputs),
    "outputs": lambda e: len(e.outputs),
    "checks": lambda e: e.checks,
}


@dataclass(frozen=True)
class Alike:
    """Each task's similarity to its nearest neighbour: by shingles of all tasks, and by embeddings of a sample."""

    shingles: Floats
    masked: Floats
    across: Floats  # of a bench task, to its nearest training task
    cosine: Floats
    sample: tuple[Entry, ...]
    embedded: Embedded


def measure(tasks: Sequence[Entry], size: int, threads: int, store: Store) -> Alike:
    """What takes long: the nearest neighbours of all tasks by shingles, and of `size` of them by embeddings."""
    masked = _ngrams(tasks, likeness.masked, likeness.SHINGLE)
    bench = np.array([e.split == "bench" for e in tasks], dtype=bool)
    chosen = entries.sample(tasks, size)
    embedded = embedding.embed([e.instruction for e in chosen], store, threads)
    return Alike(
        likeness.nearest(_ngrams(tasks, likeness.words, likeness.SHINGLE)),
        likeness.nearest(masked),
        likeness.nearest(masked, [e.split for e in tasks])[bench],
        likeness.nearest_cosine(embedded.vectors),
        chosen,
        embedded,
    )


def _ngrams(tasks: Sequence[Entry], cut: Any, n: int) -> list[Ids]:
    return likeness.ngrams((cut(e.instruction) for e in tasks), n)


def spread(values: Iterable[int]) -> dict[str, int]:
    """The 10th, 50th and 90th percentile: values that occur."""
    listed = list(values)
    return {f"p{q}": int(np.percentile(listed, q, method="inverted_cdf")) for q in (10, 50, 90)}


def neighbours(values: Floats) -> dict[str, float]:
    """Percentiles of similarities to the nearest neighbour, and the share of those above one half; zeros where there are none."""
    some = values if len(values) else np.zeros(1)
    found = {f"p{q}": float(np.percentile(some, q, method="inverted_cdf")) for q in (50, 90, 99)}
    return {n: round(v, 4) for n, v in {**found, "max": float(some.max()), "over_half": float((some > 0.5).mean())}.items()}


def largest(names: Sequence[Iterable[str]]) -> dict[str, Any]:
    """The name that most tasks have, and their share. `names` are each task's."""
    counts = Counter(n for some in names for n in set(some))
    name, count = min(counts.items(), key=lambda item: (-item[1], item[0]))
    return {"name": name, "share": round(count / len(names), 4)}


def covered(groups: Mapping[str, Sequence[str]], present: set[str]) -> dict[str, Any]:
    """The share of the taxonomy's rows that are present, and the missing ones in its order."""
    listed = [row for group in groups.values() for row in group]
    missing = [row for row in listed if row not in present]
    return {"share": round(1 - len(missing) / len(listed), 4), "missing": missing}


def coverage(tasks: Sequence[Entry], specs: Catalogue, taxonomy: Mapping[str, Any]) -> dict[str, Any]:
    """Rows of the taxonomy that some task is filed under: kinds of scenario, and what its operations do."""
    done = {str(specs.operation(o).spec["atomic"]) for e in tasks for o in e.operations}
    return {
        "scenarios": covered(taxonomy["scenarios"], {e.subcategory for e in tasks}),
        "operations": covered(taxonomy["atomic"], done),
    }


def counts(found: Entries, compiled: Mapping[str, Any]) -> dict[str, Any]:
    """How many tasks there are, of which kinds and how large; `compiled` is metrics/compile.json, or empty."""
    tasks = found.tasks
    different: dict[str, list[tuple[str, ...]]] = {
        "skills": [e.skills for e in tasks],
        "operations": [e.operations for e in tasks],
        **{f"{name}s": [(getattr(e, name),) for e in tasks] for name in ("domain", "scenario", "persona")},
    }
    return {
        "planned": compiled.get("planned", len(tasks) + found.rejected),
        "rejected": {"compiler": sum(compiled.get("rejected", {}).values()), "audit": found.rejected},
        "audited": found.audited,
        "tasks": len(tasks),
        "splits": _by(tasks, "split"),
        "routes": _by(tasks, "route"),
        "categories": _by(tasks, "category"),
        "difficulties": _by(tasks, "difficulty"),
        "formats": dict(distributions.named(_formats(tasks))),
        "different": {name: len({n for some in names for n in some}) for name, names in different.items()},
        "sizes": {name: spread(map(count, tasks)) for name, count in MANY.items()},
        "chained_share": round(sum(e.chained for e in tasks) / len(tasks), 4),
        "rubric_share": round(sum(e.criteria > 0 for e in tasks) / len(tasks), 4),
        "largest": {name: largest(different[f"{name}s"]) for name in ("operation", "domain", "persona")},
    }


def _by(tasks: Sequence[Entry], field: str) -> dict[str, int]:
    return dict(distributions.named(str(getattr(e, field)) for e in tasks))


def _formats(tasks: Sequence[Entry]) -> Iterable[str]:
    return (name for e in tasks for name in (*(PurePosixPath(path).suffix.lstrip(".") or "none" for path, _ in e.inputs), *e.services))


def alike(found: Alike) -> dict[str, Any]:
    """Figures of likeness; those of embeddings and trigrams are of the sample."""
    beyond = sum(n > embedding.MAX_TOKENS for n in found.embedded.tokens)
    return {
        "neighbours": {
            "shingles": neighbours(found.shingles),
            "shingles_masked": neighbours(found.masked),
            "embeddings": neighbours(found.cosine),
        },
        "sampled": len(found.sample),
        "read_in_part": round(beyond / len(found.sample), 4),
        "vendi": round(likeness.vendi(found.embedded.vectors), 2),
        "distinct_trigrams": {
            "plain": round(likeness.distinct(_ngrams(found.sample, likeness.words, 3)), 4),
            "masked": round(likeness.distinct(_ngrams(found.sample, likeness.masked, 3)), 4),
        },
    }


def plots(tasks: Sequence[Entry], found: Alike) -> dict[str, list[tuple[str, int]]]:
    """Tables for `dvc plots`, by name."""
    sizes = {name: distributions.binned(map(count, tasks), *BINS[name]) for name, count in MANY.items()}
    return sizes | {
        "difficulty": distributions.binned((e.difficulty for e in tasks), *BINS["difficulty"]),
        "formats": distributions.named(_formats(tasks)),
        "categories": distributions.named(e.category for e in tasks),
        "subcategories": distributions.named(e.subcategory for e in tasks),
        "neighbours": distributions.similar(found.masked),
    }


def main(argv: Sequence[str]) -> int:
    """Write metrics/dataset.json and plots/dataset/, or of the full build metrics/full.json and plots/full/."""
    section = params.section("dataset")
    parser = argparse.ArgumentParser(prog="python -m bench.dataset", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the full build, in data/full")
    full = parser.parse_args(argv).full
    found, specs = entries.read(full), catalogue.load()
    if not found.tasks:
        raise entries.none_left(full)
    similar = measure(found.tasks, section["sample"], section["threads"], Store())
    compiled = layout.build(layout.METRICS / "compile.json", full)
    figures = {
        **counts(found, json.loads(compiled.read_text(encoding="utf-8")) if compiled.is_file() else {}),
        **alike(similar),
        "coverage": coverage(found.tasks, specs, yaml.safe_load(TAXONOMY.read_text(encoding="utf-8"))),
        "contamination": {**contamination.figures(found.tasks, specs, full), "instructions": neighbours(similar.across)},
    }
    name = "full" if full else "dataset"
    distributions.write(layout.PLOTS / name, plots(found.tasks, similar))
    layout.METRICS.mkdir(exist_ok=True)
    (layout.METRICS / f"{name}.json").write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"measured {len(found.tasks)} tasks: metrics/{name}.json, plots/{name}/")
    return 0


if __name__ == "__main__":
    errors.run(main)
