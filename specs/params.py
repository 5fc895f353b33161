"""params.yaml: one section a stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from specs.errors import Problem, UserError


def section(name: str, path: Path = Path("params.yaml")) -> dict[str, Any]:
    """The section of a stage. Raises UserError where the file or the section is missing."""
    try:
        sections = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError([Problem(str(path), 1, 1, "", "no such file", "run this from the repository's root")]) from None
    if not isinstance(sections, dict) or name not in sections:
        raise UserError([Problem(str(path), 1, 1, "", f"no section '{name}'", "each stage has a section of its name")])
    return dict(sections[name] or {})
