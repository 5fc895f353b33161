"""Events in an iCalendar file."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from generators.artifacts import Artifact, Changes
from generators.relations import Relation, Row, written
from generators.renderers import messages, tables
from specs import records


def changes(artifact: Artifact, answer: Relation) -> Changes:
    """The calendar with the answer's events."""
    return (records.change_of(artifact.path, messages.ics(answer)),)


def check(artifact: Artifact, answer: Relation) -> dict[str, Any]:
    """Params of the check `calendar`."""
    at = answer.column("at")
    events = []
    for row in answer.rows:
        values = messages.by_role(row, answer)
        if at is None:
            raise ValueError("an event needs a start")
        place = values.get("place")
        events.append(
            {
                "summary": str(values["title"]),
                "start": written(values["at"], at),
                "minutes": values["span"],
                "location": place and str(place),
            }
        )
    return {"path": artifact.path, "events": events, "only": True}


def shapes(artifact: Artifact, answer: Relation) -> dict[str, Changes]:
    """Rows instead of a calendar; an hour late; one event too many."""
    first = answer.rows[0]
    return {
        "other-format": (records.change_of(artifact.path, tables.render(answer, "csv")),),
        "shifted": changes(artifact, answer.with_rows([_late(row) for row in answer.rows])),
        "extra-event": changes(artifact, answer.with_rows([*answer.rows, _late(first)])),
    }


def _late(row: Row) -> Row:
    return tuple(v + timedelta(hours=1) if isinstance(v, datetime) else v for v in row)


def equivalents(artifact: Artifact, answer: Relation) -> dict[str, Changes]:
    """Other line ends, other order."""
    reverse = answer.with_rows(list(reversed(answer.rows)))
    return {
        "lf": (records.change_of(artifact.path, messages.ics(answer, eol="\n")),),
        "event-order": (records.change_of(artifact.path, messages.ics(reverse)),),
    }


def writing(artifact: Artifact, answer: Relation) -> tuple[list[str], list[str]]:
    """Snippets and lines by which a script writes the events of `result`."""
    names: dict[str, str] = {}
    for name, column in zip(artifact.columns, answer.columns, strict=True):
        names.setdefault(column.role, name)
    make = [f"os.makedirs({artifact.path.rpartition('/')[0]!r}, exist_ok=True)"] if "/" in artifact.path else []
    return ["write_ics"], [*make, f"write_ics({artifact.path!r}, [{{role: r[name] for role, name in {names!r}.items()}} for r in result])"]


def words(artifact: Artifact, answer: Relation) -> dict[str, Any]:
    """The template's sayings need none."""
    return {}
