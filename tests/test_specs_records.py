"""Records: to what Arrow stores and back, fixed schemas, digests that cover what they should."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any

import making
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specs import records, rows, tokens

KEPT = (
    records.Task,
    records.Verifier,
    records.Solution,
    records.Provenance,
    records.Candidates,
    records.Scorecard,
    records.Rollout,
    records.Verdict,
    tokens.Sequence,
)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a record's annotation."""
    if isinstance(hint, types.UnionType):
        return st.none() | values(next(a for a in hint.__args__ if a is not type(None)))
    if hint is records.Json:
        return JSON
    plain = {
        str: TEXT,
        int: st.integers(-(2**62), 2**62),
        float: st.floats(allow_nan=False),
        bool: st.booleans(),
        bytes: st.binary(max_size=9),
    }
    if hint in plain:
        return plain[hint]
    if typing.get_origin(hint) is tuple:
        return st.lists(values(typing.get_args(hint)[0]), max_size=2).map(tuple)
    return whole(hint)


def whole(cls: type) -> st.SearchStrategy[Any]:
    return st.builds(cls, **{name: values(hint) for name, hint in typing.get_type_hints(cls, include_extras=True).items()})


@pytest.mark.parametrize("cls", KEPT, ids=lambda c: c.__name__)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_a_record_survives_its_row_and_arrow(cls: type, data: st.DataObject) -> None:
    record = data.draw(whole(cls))
    row = rows.to_row(record)
    assert rows.from_row(cls, row) == record
    table = pa.Table.from_pylist([row], schema=rows.schema_of(cls))
    assert rows.from_row(cls, table.to_pylist()[0]) == record


def test_a_row_that_lacks_a_field_is_no_record() -> None:
    row = rows.to_row(making.task({"a.csv": "x"}))
    del row["split"]
    with pytest.raises(KeyError):
        rows.from_row(records.Task, row)


@pytest.mark.parametrize("cls", KEPT, ids=lambda c: c.__name__)
def test_every_kept_record_says_its_id_and_version(cls: type) -> None:
    names = [f.name for f in dataclasses.fields(cls)]
    assert names[0] == "id" and names[-1] == "schema_version"


CHANGES: dict[str, Any] = {
    "instruction": "Do it now.",
    "outputs": ("other.csv",),
    "difficulty": 5,
    "workspace": (records.file_of("b.csv", b"y"),),
    "limits": records.Limits(1, 1, 1),
}


@pytest.mark.parametrize("field", CHANGES)
def test_a_digest_covers_every_field(field: str) -> None:
    task = making.task({"a.csv": "x"})
    assert records.sealed(dataclasses.replace(task, **{field: CHANGES[field]})).digest != task.digest


def test_a_digest_covers_neither_itself_nor_the_id() -> None:
    task = making.task({"a.csv": "x"})
    assert records.sealed(dataclasses.replace(task, id="another", digest="another")).digest == task.digest


def test_a_digest_leaves_out_what_is_named() -> None:
    task = making.task({"a.csv": "x"})
    other = dataclasses.replace(task, persona="somebody else")
    assert records.sealed(other, "persona").digest == records.sealed(task, "persona").digest != task.digest


def test_a_record_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        making.task({}).id = "x"  # type: ignore[misc]
