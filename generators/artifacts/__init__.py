"""What an operation leaves behind, as files: one module a kind of yield (table, tree, files, message, calendar, code, tests).

Each module has the same five functions: `changes` (the artifact written down), `check` (what its verifier expects),
`shapes` (right in substance, wrong in form), `equivalents` (right, written otherwise), `writing` (how a script writes it).
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any

from generators.relations import Relation
from specs.records import Change


@dataclass(frozen=True)
class Artifact:
    """Where and how one step's yield is written. `columns` are the truth's names, in the order of the answer's columns."""

    kind: str
    path: str
    form: str
    columns: tuple[str, ...]
    inputs: dict[str, bytes] = field(default_factory=dict)  # files of the workspace that it edits or moves
    details: dict[str, Any] = field(default_factory=dict)  # of its kind: facts, person, limit; module, cases, ...


Changes = tuple[Change, ...]
ASKED = {"code": "module", "tests": "path"}  # of the kinds that lie in a package: the detail that is the file asked for


def of(artifact: Artifact) -> Any:
    """The module of the artifact's kind."""
    return importlib.import_module(f"generators.artifacts.{artifact.kind}")


def outputs(artifact: Artifact, answer: Relation) -> tuple[str, ...]:
    """The paths that the task asks for."""
    return (artifact.details[ASKED[artifact.kind]],) if artifact.kind in ASKED else (artifact.path,)
