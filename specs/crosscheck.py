"""All specs against each other: every name is known, every reference holds, every instruction can be complete."""

from __future__ import annotations

from collections.abc import Iterator

from specs import crosscheck_domains, crosscheck_operations, crosscheck_rubrics, crosscheck_scenarios, crosscheck_uses, sayings
from specs.corpus import Corpus, Entry
from specs.errors import Problem


def check(corpus: Corpus) -> Iterator[Problem]:
    """The problems that no single file shows. Assumes nothing: parts that do not fit their schema are not looked at."""
    for kind in ("domain", "scenario", "template", "persona"):
        for entry in corpus.all(kind).values():
            yield from _named(entry)
    for entry in corpus.all("domain").values():
        yield from crosscheck_domains.check(corpus, entry)
    for entry in corpus.all("operations").values():
        yield from crosscheck_operations.check(corpus, entry)
    for entry in corpus.all("scenario").values():
        yield from crosscheck_scenarios.check_scenario(corpus, entry)
    for entry in corpus.all("persona").values():
        yield from _persona(corpus, entry)
    for entry in corpus.all("template").values():
        yield from crosscheck_scenarios.check_template(corpus, entry)
    for entry in corpus.all("noise").values():
        yield from crosscheck_scenarios.check_noise(entry)
    yield from crosscheck_rubrics.check(corpus)
    yield from crosscheck_uses.check(corpus)
    yield from _taxonomy(corpus)
    yield from _wordings(corpus)


def _named(entry: Entry) -> Iterator[Problem]:
    name = entry.value.get("name")
    if name is not None and name != entry.name:
        yield entry.problem(("name",), f"'{name}' is not the file's name", f"write {entry.name}, or rename the file")


def _persona(corpus: Corpus, entry: Entry) -> Iterator[Problem]:
    yield from crosscheck_scenarios.circles(corpus, entry)
    for part in ("opens", "closes"):
        yield from sayings.check_all(entry, (part,), entry.value.get(part, []), {})
    habits = entry.value.get("habits", {})
    if habits.get("folder") is not None and habits.get("folder") == habits.get("out"):
        yield entry.problem(("habits", "out"), "results would lie among the inputs", "give `out` a folder of its own")


def _taxonomy(corpus: Corpus) -> Iterator[Problem]:
    """A row stands in one category only."""
    entry = corpus.all("taxonomy").get("taxonomy")
    for part in ("scenarios", "atomic"):
        seen: dict[str, str] = {}
        for category, rows in (entry.value.get(part, {}) if entry else {}).items():
            for i, row in enumerate(rows):
                if entry and row in seen:
                    yield entry.problem((part, category, i), f"'{row}' stands in '{seen[row]}' as well")
                seen.setdefault(row, category)


def _wordings(corpus: Corpus) -> Iterator[Problem]:
    """A task is reworded once."""
    seen: dict[str, str] = {}
    for entry in corpus.all("wordings").values():
        for i, one in enumerate(entry.value.get("rewordings", [])):
            task = one.get("task")
            if task in seen:
                yield entry.problem(("rewordings", i, "task"), f"the task '{task}' is reworded in {seen[task]} as well")
            elif task is not None:
                seen[task] = entry.document.path
