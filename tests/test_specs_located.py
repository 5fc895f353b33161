"""Reading YAML with places: what is refused and where, what stays text."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from specs import located
from specs.errors import UserError

ROOT = Path(__file__).resolve().parent.parent


def refused(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        located.load(path, "it.yaml")
    return str(caught.value)


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "it.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "it.yaml:3:1: a: the key 'a' occurs twice; remove one of the two"),
        ("a:\n  - {b: 1, b: 2}\n", "it.yaml:2:12: a[0].b: the key 'b' occurs twice; remove one of the two"),
        ("a: &x [1]\nb: *x\n", "it.yaml:1:4: anchors and aliases are not used here; write the value out"),
        ("a: [1, 2\nb: 3\n", "it.yaml:2:2:"),
        ("a: 1\n\tb: 2\n", "it.yaml:2:1:"),
        (b"a: caf\xe9\n", "it.yaml:1:1: not UTF-8; save the file as UTF-8"),
        ("? [1, 2]\n: 3\n", "it.yaml:1:3: a key must be plain text"),
        (
            "a: !!python/object/apply:os.system [ls]\n",
            "it.yaml:1:4: the tag tag:yaml.org,2002:python/object/apply:os.system is not used here",
        ),
        ("a: 1\n---\nb: 2\n", "it.yaml:2:1:"),
    ],
)
def test_what_is_refused_is_located(tmp_path: Path, content: str | bytes, message: str) -> None:
    assert refused(written(tmp_path, content)).startswith(message)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.yaml") == "it.yaml:1:1: no such file"


def test_all_duplicate_keys_are_told_at_once(tmp_path: Path) -> None:
    assert len(refused(written(tmp_path, "a: 1\na: 2\nb: {c: 1, c: 2}\n")).splitlines()) == 2


def test_what_leaves_the_rest_readable_comes_with_the_rest(tmp_path: Path) -> None:
    document, problems = located.read(written(tmp_path, "a: 1\na: 2\nb: 3\n"), "it.yaml")
    assert document.value == {"a": 1, "b": 3}
    assert [p.line for p in problems] == [2]


def test_only_numbers_true_false_and_null_are_more_than_text(tmp_path: Path) -> None:
    text = "day: 2026-03-09\nanswer: yes\nswitch: on\ntime: 2026-03-09 14:05\nflag: true\nnone: null\nempty:\ncount: 3\nshare: 0.5\nversion: '3'\n"
    assert located.load(written(tmp_path, text)).value == {
        "day": "2026-03-09",
        "answer": "yes",
        "switch": "on",
        "time": "2026-03-09 14:05",
        "flag": True,
        "none": None,
        "empty": None,
        "count": 3,
        "share": 0.5,
        "version": "3",
    }


def test_places_of_keys_and_values(tmp_path: Path) -> None:
    document = located.load(written(tmp_path, "name: x\nlist:\n  - {a: 1}\n  - b: [2, 3]\n"))
    assert document.where(("name",)) == (1, 7)
    assert document.where(("name",), key=True) == (1, 1)
    assert document.where(("list", 0, "a")) == (3, 9)
    assert document.where(("list", 1, "b", 1)) == (4, 12)


def test_a_missing_part_is_placed_at_what_is_around_it(tmp_path: Path) -> None:
    document = located.load(written(tmp_path, "list:\n  - {a: 1}\n"))
    assert document.where(("list", 0, "none", "there")) == (2, 5)
    problem = document.problem(("list", 0, "none"), "is missing")
    assert str(problem).endswith("it.yaml:2:5: list[0].none: is missing")


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | TEXT,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(TEXT, v, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_what_yaml_writes_is_read_back_with_a_place_for_every_part(
    tmp_path_factory: pytest.TempPathFactory, value: dict[str, object]
) -> None:
    path = tmp_path_factory.mktemp("yaml") / "it.yaml"
    path.write_text(yaml.dump(value, allow_unicode=True, Dumper=Plain), encoding="utf-8")
    document = located.load(path)
    assert document.value == value
    lines = path.read_text(encoding="utf-8").count("\n") + 1
    assert all(1 <= line <= lines for line, _ in document.values.values())


class Plain(yaml.SafeDumper):
    """Writes no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def test_both_loaders_read_every_spec_alike() -> None:
    paths = [p for folder in ("specs", "personas", "skills") for p in sorted((ROOT / folder).rglob("*.yaml"))]
    assert len(paths) > 100
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert located._parsed(text, "x", located._Quick) == located._parsed(text, "x", located._Told), path
