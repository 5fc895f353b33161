"""Relations as plain text: a block a row, a line `name: value` for each value, a blank line between two blocks."""

from __future__ import annotations

from generators.relations import Relation
from generators.renderers import PLAIN, Style
from generators.renderers.entries import comments, entries
from generators.renderers.tables import cell

INDENT = "  "  # before each further line of a value


def txt(relation: Relation, style: Style = PLAIN) -> bytes:
    """The file's bytes. A blank has no line."""
    rows = entries(relation, style)
    notes = comments(len(rows)) if style.comments else {}
    blocks = []
    for at, row in enumerate(rows):
        if at in notes:
            blocks.append(notes[at])
        lines = [f"{c.name}: {cell(v, c, style)}" for c, v in zip(relation.columns, row, strict=True) if v is not None]
        blocks.append("\n".join(line.replace("\n", f"\n{INDENT}") for line in lines))
    return ("\n\n".join(blocks) + "\n").encode()
