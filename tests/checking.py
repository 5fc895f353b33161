"""For tests of checks: a view of a workspace after an agent, and the score of a check on it."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import making

from specs.records import Change, change_of, deletion
from verifiers.grade import Graded, grade
from verifiers.snapshot import View, view_of

KINDS = Path(__file__).parent.parent / "verifiers" / "kinds"


def changes(after: dict[str, bytes | str | None]) -> tuple[Change, ...]:
    """Changes that write files, or delete those given as None."""
    return tuple(deletion(p) if c is None else change_of(p, c.encode() if isinstance(c, str) else c) for p, c in after.items())


def view(given: dict[str, bytes | str], after: dict[str, bytes | str | None], open_box: Any = None) -> View:
    return view_of(making.task(given), changes(after), open_box)


def check(
    kind: str, params: dict[str, Any], given: dict[str, bytes | str], after: dict[str, bytes | str | None], open_box: Any = None
) -> float:
    """The score of one check. The params must follow the kind's schema."""
    jsonschema.Draft202012Validator(json.loads((KINDS / f"{kind}.schema.json").read_text())).validate(params)
    return graded(kind, params, given, changes(after), open_box).score


def graded(kind: str, params: dict[str, Any], given: dict[str, bytes | str], after: tuple[Change, ...], open_box: Any = None) -> Graded:
    """As `check`, with the reasons, and for changes of any type."""
    return grade(making.task(given), making.verifier([{"kind": kind, "params": params}]), after, open_box)


def module(kind: str) -> Any:
    return importlib.import_module(f"verifiers.kinds.{kind}")
