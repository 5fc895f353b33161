"""The figures about the dataset: likeness, embeddings, coverage, what the splits share, and the stage on a full build of a few tasks."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import making
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import contamination, dataset, distributions, embedding, entries, likeness
from bench.embedding import Embedded
from bench.entries import Entries, Entry
from generators import sampling, task
from generators.plan import plans
from specs import catalogue, layout, shards
from specs.errors import UserError
from specs.records import Provenance, Scorecard, Task, Verifier
from specs.store import Store

ROOT = Path(__file__).parent.parent


# Likeness.
def similarity(texts: list[str], cut=likeness.words, n: int = 5) -> list[float]:
    return list(likeness.nearest(likeness.ngrams(map(cut, texts), n)))


def by_hand(texts: list[str], n: int) -> list[float]:
    """The same by Python's own sets, pair by pair."""
    sets = []
    for text in texts:
        words = likeness.words(text)
        words += [""] * (n - len(words))
        sets.append({tuple(words[i : i + n]) for i in range(len(words) - n + 1)})
    return [max([len(a & b) / len(a | b) for k, b in enumerate(sets) if k != i], default=0.0) for i, a in enumerate(sets)]


@given(st.lists(st.lists(st.sampled_from(["to", "the", "café", "7", "it's"]), max_size=9).map(" ".join), max_size=6), st.integers(1, 5))
@settings(deadline=None)
def test_the_nearest_neighbour_is_the_one_that_sets_of_tuples_give(texts: list[str], n: int) -> None:
    assert similarity(texts, n=n) == pytest.approx(by_hand(texts, n))


def test_identical_texts_have_similarity_1_and_unlike_ones_0() -> None:
    one, other = "sort the list of bills by their due date", "nobody has ever seen such a beautiful heron here"
    assert similarity([one, other, one.upper()]) == [1.0, 0.0, 1.0]
    assert similarity([one]) == [0.0]
    assert similarity([]) == []


def test_masked_shingles_ignore_literals_and_nothing_else() -> None:
    one = "Total the “fee” column in `choir/hires.csv` for more than 12.50 since 2026-03-01, as `a` and `b`, please."
    other = "Total the “volume” column in `river/all samples.json` for more than 7 since 2025-11-30, as `x`, `y` and `z`, please."
    assert likeness.masked(one) == likeness.masked(other)
    assert similarity([one, other], likeness.masked) == [1.0, 1.0]
    assert max(similarity([one, other])) < 0.3
    assert likeness.masked("count two hens") != likeness.masked("count two cats")


def test_with_groups_only_other_groups_count() -> None:
    grams = likeness.ngrams([["a", "b"], ["a", "b"], ["a", "c"], ["d", "e"]], 1)
    assert list(likeness.nearest(grams, ["train", "train", "bench", "bench"])) == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    assert list(likeness.nearest(grams, ["train"] * 4)) == [0.0] * 4


def test_distinct_trigrams() -> None:
    assert likeness.distinct(likeness.ngrams([list("abcd"), list("abcd")], 3)) == 0.5
    assert likeness.distinct(likeness.ngrams([list("abcd"), list("efgh")], 3)) == 1.0
    assert likeness.distinct([]) == 0.0


@pytest.mark.parametrize("n", [2, 7, 40])
def test_the_vendi_score_counts_unlike_texts(n: int) -> None:
    orthogonal = np.eye(n, 20 + n, dtype=np.float32)
    assert likeness.vendi(orthogonal) == pytest.approx(n)
    assert likeness.vendi(np.repeat(orthogonal[:1], n, axis=0)) == pytest.approx(1)
    assert likeness.vendi(np.repeat(orthogonal, 30, axis=0)) == pytest.approx(n)  # more rows than columns


def test_cosines_leave_out_the_text_itself() -> None:
    vectors = np.array([[1, 0], [0.6, 0.8], [0, -1]], dtype=np.float32)
    assert list(likeness.nearest_cosine(vectors)) == pytest.approx([0.6, 0.6, 0.0])
    assert list(likeness.nearest_cosine(vectors[:1])) == [0.0]


# The embedder.
def test_the_embedder_is_minilm_and_embeds_each_text_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cosines are those that the model's card shows for these sentences."""
    texts = ["That is a happy person", "That is a happy dog", "That is a very happy person", "Today is a sunny day"]
    store = Store(tmp_path / "store.sqlite")
    once = embedding.embed(texts, store, 2)
    assert list(once.vectors[0] @ once.vectors[1:].T) == pytest.approx([0.695, 0.943, 0.257], abs=0.001)
    assert np.linalg.norm(once.vectors, axis=1) == pytest.approx(np.ones(4))
    assert once.tokens[0] == 7
    monkeypatch.setattr(embedding, "_encode", lambda *_: pytest.fail("embedded again"))
    again = embedding.embed([*texts[::-1], texts[0]], store, 2)
    assert np.array_equal(again.vectors, once.vectors[[3, 2, 1, 0, 0]])


def test_only_the_first_256_tokens_count_and_that_is_told(tmp_path: Path) -> None:
    long = "heron " * 254
    found = embedding.embed([long, long + "teapot", "heron"], Store(tmp_path / "store.sqlite"), 2)
    assert np.array_equal(found.vectors[0], found.vectors[1])
    assert found.tokens[0] <= embedding.MAX_TOKENS < found.tokens[1]


# Entries and their figures.
def entry(identity: str = "0a", **fields: object) -> Entry:
    made = making.task({}, identity=identity)
    own = {name: getattr(made, name) for name in (*entries.FILED, *entries.TOLD[:4])}
    return Entry(**{**own, "inputs": (), "checks": 1, **fields})


def test_sizes_and_shares_are_counted() -> None:
    tasks = (
        entry("0a", operations=("a.x", "a.y", "a.x"), chained=True, checks=4, criteria=5, instruction="one two", persona="p"),
        entry("1b", operations=("a.y",), checks=2, instruction="one", persona="p"),
        entry("2c", operations=("a.y",), checks=2, instruction="one two three", persona="q", inputs=(("f/a.csv", "1"), ("LICENSE", "2"))),
    )
    found = dataset.counts(Entries(tasks, 2, 1), {"planned": 6, "rejected": {"ties": 2}})
    assert (found["planned"], found["rejected"], found["tasks"]) == (6, {"compiler": 2, "audit": 1}, 3)
    assert found["sizes"]["words"] == {"p10": 1, "p50": 2, "p90": 3}
    assert found["sizes"]["checks"]["p50"] == 2
    assert found["chained_share"] == found["rubric_share"] == 0.3333
    assert found["largest"]["operation"] == {"name": "a.y", "share": 1.0}
    assert found["largest"]["persona"] == {"name": "p", "share": 0.6667}
    assert found["formats"] == {"csv": 1, "none": 1}
    assert found["different"]["operations"] == 2


def test_coverage_names_the_rows_that_no_task_is_filed_under() -> None:
    groups = {"Office": ["letters", "tables"], "Systems": ["logs", "settings"]}
    assert dataset.covered(groups, {"tables", "logs"}) == {"share": 0.5, "missing": ["letters", "settings"]}
    assert dataset.covered(groups, {"letters", "tables", "logs", "settings"}) == {"share": 1.0, "missing": []}


def test_coverage_of_the_real_specs_counts_what_operations_do() -> None:
    specs = catalogue.load(ROOT)
    some = next(specs.operations())
    found = dataset.coverage(
        [entry(operations=(some.id,))], specs, {"scenarios": {"A": ["x"]}, "atomic": {"B": [some.spec["atomic"], "y"]}}
    )
    assert found["operations"] == {"share": 0.5, "missing": ["y"]}


def test_the_sample_changes_by_one_task_at_most_where_one_is_added() -> None:
    tasks = [entry(f"{n:02x}") for n in range(60)]
    before = {e.id for e in entries.sample(tasks, 20)}
    after = {e.id for e in entries.sample([*tasks[:30], entry("ff"), *tasks[30:]], 20)}
    assert len(before) == len(after) == 20
    assert len(before - after) <= 1


def test_figures_of_likeness_are_of_the_sample() -> None:
    texts = ["sort all of the bills by date", "sort all of the bills by size", "nobody has seen a heron"]
    tasks = tuple(entry(f"{n}a", instruction=t) for n, t in enumerate(texts))
    near = likeness.nearest(likeness.ngrams(map(likeness.words, texts), 5))
    found = dataset.alike(dataset.Alike(near, near, near[:0], near, tasks, Embedded(np.eye(3, dtype=np.float32), (9, 300, 256))))
    assert (found["sampled"], found["read_in_part"], found["vendi"]) == (3, 0.3333, 3.0)
    assert found["neighbours"]["shingles"] == {"p50": 0.5, "p90": 0.5, "p99": 0.5, "max": 0.5, "over_half": 0.0}
    assert dataset.neighbours(near[:0])["max"] == 0


def test_bins_are_the_same_whatever_the_values() -> None:
    some, none = distributions.binned([0, 24, 25, 599, 600, 9999], 25, 600), distributions.binned([], 25, 600)
    assert [label for label, _ in some] == [label for label, _ in none] == sorted(label for label, _ in some)
    assert [(label, n) for label, n in some if n] == [("000-024", 2), ("025-049", 1), ("575-599", 1), ("600 or more", 2)]
    assert [n for _, n in distributions.similar([0.0, 0.04, 0.05, 0.999, 1.0])][:2] == [2, 1]
    assert distributions.similar([1.0])[-1] == ("0.95-1.00", 1)


# What both splits share.
def test_a_planted_shared_value_is_found() -> None:
    assert contamination.shared({"Ada", "Bo"}, {"Cy", "Di"}) == {"different": 4, "shared": 0, "share": 0.0}
    assert contamination.shared({"Ada", "Bo"}, {"Bo", "Di"}) == {"different": 3, "shared": 1, "share": 0.5}


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Task]:
    """Two tasks of the real domain `expenses`, one of each split, with one file in common, in shards of the working directory."""
    tasks = [
        making.task({"a.csv": "n\n1\n", f"{split}.csv": split}, identity=f"{n}a", split=split, persona=split, scenario=split)
        for n, split in enumerate(("bench", "train"))
    ]
    domain = catalogue.load(ROOT).domains["expenses"].ref
    monkeypatch.chdir(tmp_path)
    shards.write(layout.TASKS, Task, [(t.split, t) for t in tasks])
    shards.write(layout.VERIFIERS, Verifier, [(t.split, making.verifier([{"kind": "table", "params": {}}] * 2, t.id)) for t in tasks])
    shards.write(layout.PROVENANCE, Provenance, [(t.split, Provenance(t.id, (domain,), f"7/{t.id}/0", {}, "compiled")) for t in tasks])
    return tasks


def test_what_two_splits_share_is_counted_by_what_it_is(few: list[Task], monkeypatch: pytest.MonkeyPatch) -> None:
    specs = catalogue.load(ROOT)
    found = contamination.figures(entries.read(False).tasks, specs, False)
    assert found["files"] == {"different": 3, "shared": 1, "share": 0.5}
    assert found["personas"]["shared"] == found["scenarios"]["shared"] == 0
    assert found["values"]["party"]["different"] > found["values"]["party"]["shared"] == 0
    monkeypatch.setattr(sampling, "belongs", lambda *_: True)
    monkeypatch.setattr(sampling, "pool", lambda values, *_: values)
    assert contamination.figures(entries.read(False).tasks, specs, False)["values"]["party"]["shared"] > 0


def test_a_domain_that_changed_since_is_said_to_have(few: list[Task]) -> None:
    specs = catalogue.load(ROOT)
    provenance = Provenance(few[0].id, (), "7/0a/0", {}, "compiled")
    shards.write(layout.PROVENANCE, Provenance, [("bench", provenance)])
    with pytest.raises(UserError, match="compile again"):
        contamination.figures(entries.read(False).tasks, specs, False)


def test_a_task_that_its_scorecard_rejects_is_left_out(few: list[Task]) -> None:
    assert [e.checks for e in entries.read(False).tasks] == [2, 2]
    assert entries.read(False).audited == 0

    def card(about: Task, rejected: str, digest: str) -> tuple[str, Scorecard]:
        return about.split, Scorecard(about.id, 1.0, 0.0, (), (), rejected, about.operations, digest, "v")

    shards.write(layout.SCORECARDS, Scorecard, [card(few[0], "", few[0].digest), card(few[1], "a mutant passes", few[1].digest)])
    found = entries.read(False)
    assert ([e.id for e in found.tasks], found.audited, found.rejected) == ([few[0].id], 2, 1)
    shards.write(layout.SCORECARDS, Scorecard, [card(few[1], "a mutant passes", "that of an earlier build")])
    assert (len(entries.read(False).tasks), entries.read(False).audited) == (2, 0)


def test_missing_shards_are_the_users_to_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="data/full/verifiers"):
        entries.read(True)


# The stage.
@pytest.mark.slow
def test_a_full_build_lies_beside_the_default_one(tmp_path: Path) -> None:
    for name in ("specs", "personas", "skills", "generators", "params.yaml"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CLAWGYM_STORE": str(tmp_path / "store.sqlite"), "HF_HUB_OFFLINE": "1"}

    def run(*words: str) -> None:
        done = subprocess.run([sys.executable, "-m", *words], check=False, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    run("generators.compile", "--full", "--scale", "0.08")
    run("bench.dataset", "--full")
    assert {p.relative_to(tmp_path).as_posix() for p in tmp_path.glob("data/*")} == {"data/full"}
    tasks = list(shards.read(tmp_path / "data/full/tasks", Task))
    found = json.loads((tmp_path / "metrics/full.json").read_text())
    assert [p.name for p in (tmp_path / "metrics").iterdir()] == ["full.json"]
    assert found["tasks"] == found["sampled"] == len(tasks) > 0
    assert found["sizes"]["words"]["p50"] in {len(t.instruction.split()) for t in tasks}
    assert found["chained_share"] == pytest.approx(sum(t.chained for t in tasks) / len(tasks), abs=1e-4)
    assert 1 < found["vendi"] <= len(tasks)
    for path in (tmp_path / "plots/full").iterdir():
        rows = path.read_text().splitlines()
        assert rows[0] == f"{path.stem},count"
    words = [int(row.rpartition(",")[2]) for row in (tmp_path / "plots/full/words.csv").read_text().splitlines()[1:]]
    assert sum(words) == len(tasks)


@pytest.mark.slow
def test_values_drawn_again_are_those_of_the_files(tmp_path: Path) -> None:
    """What contamination counts is what an agent sees: keys in a task's files are among the values drawn again from its seed."""
    specs = catalogue.load(ROOT)
    tried = 0
    for plan in random.Random(3).sample(plans(specs, 1.0, 0.3), 12):
        built = task.build(specs, plan, 7, {})
        if not isinstance(built, task.Built):
            continue
        domain = specs.domains[plan.domain]
        drawn = contamination.drawn(domain, plan.split, built.provenance.seed)["key"]
        patterns = [
            re.escape(c["draw"]["pattern"]).replace(r"\{", "{").replace(r"\}", "}")
            for r in domain["relations"].values()
            for c in r.get("columns", {}).values()
            if "pattern" in c.get("draw", {})
        ]
        # A workbook names its cells, and I13 may be a key.
        plain = [f for f in built.task.workspace if not f.path.startswith(".skills/") and not f.path.endswith(".xlsx")]
        text = "\n".join(f.content.decode("utf-8", "replace") for f in plain)
        seen = {k for p in patterns for k in re.findall(r"(?<![\w-])" + re.sub(r"\{:0?(\d+)d?\}", r"\\d{\1}", p) + r"(?![\w-])", text)}
        assert seen <= drawn, (plan, seen - drawn)
        tried += bool(seen)
    assert tried >= 4


def test_the_stage_names_every_plot_that_dvc_shows() -> None:
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    none = dataset.Alike(*[np.zeros(2)] * 4, (), Embedded(np.zeros((0, 0)), ()))
    tables = dataset.plots([entry(identity) for identity in ("0a", "1b")], none)
    for folder, listed in (("dataset", pipeline["stages"]["dataset"]["plots"]), ("full", pipeline["plots"])):
        assert {next(iter(p)) for p in listed} == {f"plots/{folder}/{name}.csv" for name in tables}
        assert all(next(iter(p.values()))["y"] == Path(next(iter(p))).stem for p in listed)
