"""Every kind of check has what a kind needs, whatever kinds there are."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import checking
import jsonschema
import pytest

import verifiers
from verifiers.grade import kinds

ROOT = Path(__file__).parent.parent


def test_the_package_is_this_repositorys() -> None:
    assert Path(verifiers.__file__).parent == ROOT / "verifiers"


@pytest.mark.parametrize("kind", kinds())
def test_a_kind_has_one_function_a_schema_and_tests(kind: str) -> None:
    schema = json.loads((ROOT / "verifiers/kinds" / f"{kind}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["additionalProperties"] is False
    assert list(inspect.signature(checking.module(kind).check).parameters) == ["params", "view"]
    assert (ROOT / "tests" / f"test_verifiers_{kind}.py").exists()


def test_schemas_belong_to_kinds() -> None:
    assert {p.name.removesuffix(".schema.json") for p in (ROOT / "verifiers/kinds").glob("*.schema.json")} == set(kinds())
