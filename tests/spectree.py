"""A copy of the repository's specs, to be changed by a test."""

from __future__ import annotations

import shutil
from pathlib import Path

from tinyspecs import REPOSITORY

CODE = shutil.ignore_patterns("*.py[co]", "__pycache__")


def copied(root: Path) -> Path:
    """Personas, skills, specs, params.yaml and the schemas of checks, under `root`."""
    for folder in ("personas", "skills", "specs"):
        shutil.copytree(REPOSITORY / folder, root / folder, ignore=CODE)
    shutil.copytree(REPOSITORY / "verifiers/kinds", root / "verifiers/kinds", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.copy(REPOSITORY / "params.yaml", root)
    return root
