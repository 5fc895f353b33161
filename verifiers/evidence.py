"""One task's evidence at a terminal: `make scorecard ID=<task>`, `python -m verifiers.evidence --id ID [--full]`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from specs import errors, layout, shards
from specs.errors import Problem, UserError
from specs.records import EquivalentScore, MutantScore, Scorecard, Task, Verifier
from verifiers.demanded import sentence
from verifiers.grade import SOLVED

WIDTH = 160  # where nobody looks: names stay whole
T = TypeVar("T", Task, Verifier, Scorecard)


def page(card: Scorecard, task: Task | None, verifier: Verifier | None) -> RenderableType:
    """The scorecard as text: what was tried, what it scored, what that says; the worst first. Nothing in it is markup."""
    wrong = sum(m.score >= SOLVED for m in card.mutants)
    refused = sum(e.score < SOLVED for e in card.equivalents)
    figures = [
        f"solution {card.solution:.3g} (1 is due), untouched workspace {card.untouched:.3g} (0 is due)",
        f"{len(card.mutants)} mutants, {wrong} of them counted as solved; {len(card.equivalents)} equivalents, {refused} of them refused",
    ]
    stale = task is None or verifier is None or (card.task_digest, card.verifier_digest) != (task.digest, verifier.digest)
    return Group(
        Text(f"task {card.id}: {', '.join(card.operations)}", style="bold"),
        *map(Text, figures),
        *([Text(f"rejected: {card.rejected}", style="bold red")] if card.rejected else [Text("shipped", style="green")]),
        *([Text("of an earlier task or verifier: run the audit again", style="yellow")] if stale else []),
        *([_checks(task, verifier)] if task and verifier else []),
        _mutants(card.mutants),
        _equivalents(card.equivalents),
    )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _checks(task: Task, verifier: Verifier) -> RenderableType:
    table = _table("Checks", "check", "kind", "weight", "looks at", "demanded by", "in the words")
    for check in verifier.checks:
        place = str(check.params.get("path") or check.params.get("under") or "the workspace")
        table.add_row(
            Text(check.id),
            check.kind,
            f"{check.weight:g}" if check.weight else "gate",
            Text(place),
            Text(check.demand),
            Text(sentence(task.instruction, check)),
        )
    for kept in verifier.protected:
        table.add_row("", "protected", "gate", Text(kept.path), "", "")
    return table


def _mutants(scores: Iterable[MutantScore]) -> RenderableType:
    """Those alike in kind, demand and scores stand in one row."""
    table = _table("Mutants: wrong answers, which must score less than 1", "kind", "demand", "tried", "score", "its artifact", "checks")
    found: dict[MutantScore, int] = {}
    for one in sorted(scores, key=lambda m: (-m.score, m.kind, m.demand)):
        found[one] = found.get(one, 0) + 1
    for one, tried in found.items():
        style = "bold red" if one.score >= SOLVED else ""
        table.add_row(one.kind, Text(one.demand), str(tried), f"{one.score:.3f}", f"{one.artifact:.3f}", ", ".join(one.checks), style=style)
    return table


def _equivalents(scores: Iterable[EquivalentScore]) -> RenderableType:
    table = _table("Equivalents: right answers written otherwise, which must score 1", "kind", "tried", "lowest score")
    found: dict[str, list[float]] = {}
    for one in scores:
        found.setdefault(one.kind, []).append(one.score)
    for kind, reached in sorted(found.items(), key=lambda pair: (min(pair[1]), pair[0])):
        table.add_row(kind, str(len(reached)), f"{min(reached):.3f}", style="bold red" if min(reached) < SOLVED else "")
    return table


def found(identity: str, full: bool = False) -> tuple[Scorecard, Task | None, Verifier | None]:
    """A task's scorecard, with the task and the verifier as they are now. Raises UserError where there is no scorecard of it."""
    root = layout.build(layout.SCORECARDS, full)
    card = _record(root, Scorecard, identity)
    if card is None:
        what = f"no scorecard with the id '{identity}'" if root.is_dir() else "no such folder"
        raise UserError([Problem(str(root), 1, 1, "", what, "ids stand in data/selection.json; run the audit stage first")])
    return (
        card,
        _record(layout.build(layout.TASKS, full), Task, identity),
        _record(layout.build(layout.VERIFIERS, full), Verifier, identity),
    )


def _record(root: Path, cls: type[T], identity: str) -> T | None:
    return shards.find(root, cls, identity) if root.is_dir() else None


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m verifiers.evidence", description="Show one task's scorecard.")
    parser.add_argument("--id", required=True, help="the task's id")
    parser.add_argument("--full", action="store_true", help="of the full build, in data/full")
    args = parser.parse_args(argv)
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    console.print(page(*found(args.id, args.full)))
    return 0


if __name__ == "__main__":
    errors.run(main)
