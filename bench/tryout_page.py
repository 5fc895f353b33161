"""A tried task for a reader at a terminal: the instruction, the files, the checks, the scorecard, the solution's turns."""

from __future__ import annotations

import json
from collections.abc import Iterable

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from generators.plan import Plan
from generators.task import Built
from specs.hostile import text_of
from specs.records import File, MutantScore, Scorecard, Step, Verifier

HEAD_LINES = 3  # of a file
TURN_LINES = 12  # of an argument
WIDTH = 72  # characters of a line
WORST = 5  # mutants that are named


def page(number: str, plan: Plan, built: Built, card: Scorecard, stand_in: bool) -> RenderableType:
    """All of one task. Texts of specs are shown as they are: nothing in them is markup."""
    task = built.task
    facts = [plan.persona, plan.scenario, plan.workflow, plan.domain, task.split, f"difficulty {task.difficulty}"]
    story = ["in a story that is lent to it: no scenario uses it yet"] if stand_in else []
    return Group(
        Rule(Text(f"{number}: task {task.id}", style="bold")),
        Text(", ".join([*facts, *story]), style="dim"),
        _part("Instruction", Text(task.instruction)),
        _part("Files", _files(task.workspace)),
        *(_part(f"Served: a {service.kind}", _files(service.files)) for service in task.services),
        _part("To be written", Text(", ".join(task.outputs))),
        _part("Checks", _checks(built.verifier)),
        _part("Scorecard", _scores(card)),
        _part("Solution", Group(*(_turn(step) for step in built.solution.steps))),
    )


def _part(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(f"\n{title}", style="bold"), Padding(body, (0, 0, 0, 2)))


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _files(files: Iterable[File]) -> RenderableType:
    table = _table("path", "bytes", "begins")
    for file in files:
        begins = "" if file.path.startswith(".skills/") else _begins(file.content)
        table.add_row(Text(file.path), str(len(file.content)), Text(begins))
    return table


def _begins(content: bytes) -> str:
    text = text_of(content)
    return "(not text)" if text is None else shortened(text)


def _checks(verifier: Verifier) -> RenderableType:
    table = _table("check", "kind", "weight", "looks at")
    for check in verifier.checks:
        table.add_row(
            Text(check.id), check.kind, f"{check.weight:g}", Text(shortened(json.dumps(check.params, ensure_ascii=False, default=str), 1))
        )
    for item in verifier.rubric:
        table.add_row(Text(item.id), "rubric", f"{item.weight:g}", Text(item.question))
    for kept in verifier.protected:
        table.add_row("", "protected", "", Text(kept.path))
    return table


def _scores(card: Scorecard) -> RenderableType:
    table = _table("what", "tried", "score", "must be")
    table.add_row("solution", "1", f"{card.solution:.3g}", "1")
    table.add_row("untouched", "1", f"{card.untouched:.3g}", "0")
    worst = sorted(card.mutants, key=lambda m: -m.score)
    table.add_row("mutants", str(len(worst)), _range([m.score for m in worst]), "below 1")
    for mutant in worst[:WORST]:
        table.add_row(Text(f"  {_name(mutant)}"), "", f"{mutant.score:.3g}", "")
    alike = [e.score for e in card.equivalents]
    table.add_row("equivalents", str(len(alike)), _range(alike), "1")
    if card.rejected:
        return Group(table, Text(f"rejected: {card.rejected}", style="bold red"))
    return table


def _name(mutant: MutantScore) -> str:
    return f"{mutant.kind} {mutant.demand}".strip()


def _range(scores: list[float]) -> str:
    if not scores:
        return "none"
    low, high = min(scores), max(scores)
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"


def _turn(step: Step) -> RenderableType:
    parts: list[RenderableType] = [Text(step.says, style="italic")] if step.says else []
    if step.tool:
        for name, value in step.arguments.items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            parts.append(Padding(Text(f"{step.tool} {name}: {shortened(text, TURN_LINES)}"), (0, 0, 0, 2)))
    return Group(*parts)


def shortened(text: str, lines: int = HEAD_LINES) -> str:
    """The first lines, each cut to WIDTH characters; what is left out is counted."""
    found = text.splitlines()
    kept = [line if len(line) <= WIDTH else f"{line[:WIDTH]} ..." for line in found[:lines]]
    return "\n".join([*kept, *([f"... {len(found) - lines} more lines"] if len(found) > lines else [])])
