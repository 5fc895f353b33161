"""A short message that carries facts, each on a line of its own."""

from __future__ import annotations

from typing import Any

from generators.artifacts import Artifact, Changes
from generators.relations import Relation, written
from generators.words import joined, quoted
from specs import records

FILLER = "I have gone through everything twice and then once more with fresh eyes after lunch, to be on the safe side."


def changes(artifact: Artifact, answer: Relation) -> Changes:
    """The message with the answer's facts."""
    return _message(artifact, answer)


def greeting(person: str) -> str:
    """How a message begins: dear is who has a name; the porter has none."""
    return f"Dear {person}" if person[0].isupper() else f"Good day to {person}"


def facts(artifact: Artifact, answer: Relation) -> list[tuple[str, str, str]]:
    """(label, value, type) of each fact; the answer has one row."""
    at = {name: i for i, name in enumerate(artifact.columns)}
    row = answer.rows[0]
    return [
        (label, written(row[at[c]], answer.columns[at[c]]) or "", answer.columns[at[c]].kind)
        for label, c in artifact.details["facts"].items()
    ]


def _message(artifact: Artifact, answer: Relation, person: str = "", mark: str = "{}:", skip: int = 0, padding: str = "") -> Changes:
    lines = [f"{greeting(person or artifact.details['person'])},", "", "here is what you asked for.", ""]
    if padding:
        lines += [padding, ""]
    lines += [f"{mark.format(label)} {value}" for label, value, _ in facts(artifact, answer)[skip:]]
    return (records.change_of(artifact.path, ("\n".join(lines) + "\n\nThank you.\n").encode()),)


def check(artifact: Artifact, answer: Relation) -> dict[str, Any]:
    """Params of the check `message`."""
    at = dict(zip(artifact.columns, answer.columns, strict=True))
    wanted = []
    for (label, value, kind), name in zip(facts(artifact, answer), artifact.details["facts"].values(), strict=True):
        column = at[name]
        extra = ({"decimals": column.decimals} if kind == "number" else {}) | ({"unit": column.unit} if column.unit else {})
        wanted.append({"label": label, "value": value, "type": kind, **extra})
    return {"path": artifact.path, "facts": wanted, "greeting": artifact.details["person"], "max_words": artifact.details["limit"]}


def shapes(artifact: Artifact, answer: Relation) -> dict[str, Changes]:
    """A fact missing; somebody else addressed; too long; the facts negated."""
    return {
        "drop-fact": _message(artifact, answer, skip=1),
        "other-name": _message(artifact, answer, person="Quentin"),
        "too-long": _message(artifact, answer, padding=" ".join([FILLER] * (artifact.details["limit"] // 10))),
        "negated": _message(artifact, answer, mark="{}: not"),
    }


def equivalents(artifact: Artifact, answer: Relation) -> dict[str, Changes]:
    """Labels in bold, as a list, and other words around them."""
    return {
        "bullets": _message(artifact, answer, mark="- {}:"),
        "bold": _message(artifact, answer, mark="**{}:**"),
        "other-words": _message(artifact, answer, padding="It took a while."),
    }


def writing(artifact: Artifact, answer: Relation) -> tuple[list[str], list[str]]:
    """Lines by which a script writes the message from the one row of `result`."""
    path, first = artifact.path, f"{greeting(artifact.details['person'])},"
    lines = [f"os.makedirs({path.rpartition('/')[0]!r}, exist_ok=True)"] if "/" in path else []
    lines += [
        f"lines = [{first!r}, '', 'here is what you asked for.', '']",
        f"lines += [f'{{label}}: {{result[0][name]}}' for label, name in {artifact.details['facts']!r}.items()]",
        f"open({path!r}, 'w', encoding='utf-8').write('\\n'.join(lines) + '\\n')",
    ]
    return [], lines


def words(artifact: Artifact, answer: Relation) -> dict[str, Any]:
    """What the template's sayings name."""
    labels = list(artifact.details["facts"])
    return {
        "labels": joined([quoted(label) for label in labels]),
        "first": labels[0],
        "person": artifact.details["person"],
        "limit": artifact.details["limit"],
    }
