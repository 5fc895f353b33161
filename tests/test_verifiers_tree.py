"""Configuration files: the tree counts, not its writing; every other value counts too."""

from __future__ import annotations

import json
from typing import Any

import checking
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.relations import Column, Relation
from generators.renderers import trees

LEAVES = {
    "server.port": 8080,
    "server.host": "a.example",
    "alarms.email": True,
    "zones.north.target": 20.5,
    "zones.open": "18:30",
    "tags": ["x", "y"],
}
GIVEN = {
    "yaml": "server: {port: 80, host: a.example}\nalarms:\n  email: true\nzones:\n  north:\n    target: 20.5\n  open: '18:30'\ntags: [x, y]\n"
}
YAML = GIVEN["yaml"].replace("80,", "8080,")
TOML = 'tags = ["x", "y"]\n[server]\nport = 8080 # was 80\nhost = "a.example"\n[alarms]\nemail = true\n[zones]\nopen = "18:30"\n[zones.north]\ntarget = 20.50\n'
JSON = json.dumps(
    {
        "tags": ["x", "y"],
        "server": {"host": "a.example", "port": 8080},
        "zones": {"open": "18:30", "north": {"target": 20.5}},
        "alarms": {"email": True},
    }
)

INI_LEAVES = {"server.port": 8080, "server.mode": "eco", "server.label": "12", "alarms.on": True, "alarms.email.every_h": 2.5}
INI_GIVEN = '[server]\nport = 80\nmode = eco\nlabel = "12"\n\n[alarms]\non = true\n\n[alarms.email]\nevery_h = 2.5\n'
INI = INI_GIVEN.replace("80", "8080")


def score(content: bytes | str | None, form: str = "yaml", given: str = GIVEN["yaml"]) -> float:
    return checking.check("tree", {"path": "c", "format": form, "leaves": LEAVES}, {"c": given}, {} if content is None else {"c": content})


@pytest.mark.parametrize(
    ("form", "content", "passes"),
    [
        ("yaml", YAML, True),
        ("yaml", "# mine\n" + YAML.replace("\n", "\r\n"), True),
        ("yaml", YAML.replace("true", "yes"), True),
        ("yaml", YAML.replace("'18:30'", "18:30"), True),
        ("yaml", YAML.replace("20.5", "20.50"), True),
        ("yaml", YAML.replace("[x, y]", "\n- x\n- y"), True),
        ("yaml", YAML.replace("8080", "'8080'"), False),
        ("yaml", YAML.replace("true", "'true'"), False),
        ("yaml", YAML.replace("true", "1"), False),
        ("yaml", YAML.replace("[x, y]", "[y, x]"), False),
        ("yaml", YAML + "more: 1\n", False),
        ("yaml", YAML.replace("tags: [x, y]\n", ""), False),
        ("yaml", YAML + "tags: [x, y]\n", False),
        ("yaml", YAML.replace("server: {", "server: {port: 1, "), False),
        ("yaml", YAML + "---\na: 1\n", False),
        ("yaml", JSON, False),
        ("yaml", TOML, False),
        ("json", JSON, True),
        ("json", json.dumps(json.loads(JSON), indent=4), True),
        ("json", "\ufeff" + JSON, True),
        ("json", JSON.replace("8080", "8080.0"), True),
        ("json", JSON.replace("8080", "8081"), False),
        ("json", JSON.replace("8080", "null"), False),
        ("json", JSON + "x", False),
        ("json", YAML, False),
        ("json", json.dumps({k: v for k, v in LEAVES.items()}), False),  # dotted keys are other keys
        ("json", "[]", False),
        ("toml", TOML, True),
        ("toml", TOML.replace("20.50", "20.51"), False),
        ("toml", TOML.replace("true", '"true"'), False),
        ("toml", YAML, False),
        ("yaml", "", False),
        ("yaml", b"\xff\xfe\x00", False),
    ],
)
def test_the_tree_counts(form: str, content: bytes | str, passes: bool) -> None:
    got = score(content, form)
    assert got == 1 if passes else got <= 0.5


@pytest.mark.parametrize(
    ("content", "passes"),
    [
        (INI, True),
        ("; mine\n# too\n" + INI.replace("\n", "\r\n"), True),
        (INI.replace(" = ", "="), True),
        (INI.replace(" = ", ": "), True),
        (INI.replace("eco", '"eco"').replace("2.5", "2.50").replace("true", "True"), True),
        (INI.replace("port = 8080\nmode = eco", "mode = eco\nport = 8080"), True),
        (INI.replace('"12"', "'12'"), True),
        (INI.replace('"12"', "12"), False),
        (INI.replace("8080", '"8080"'), False),
        (INI.replace("true", '"true"'), False),
        (INI.replace("true", "1"), False),
        (INI.replace("eco", "Eco"), False),
        (INI.replace("mode = eco\n", ""), False),
        (INI + "more = 1\n", False),
        (INI + "[server]\nmore = 1\n", False),
        (INI + "every_h = 2.5\n", False),
        (INI.replace("[server]\n", ""), False),
        (INI.replace("[alarms.email]", "[alarms.on]"), False),
        (INI.replace("[alarms.email]", "[" + ".".join("a" * 100) + "]"), False),
        (INI + "just a word\n", False),
        (INI_GIVEN, False),
        ("server: {port: 8080}\n", False),
        ("", False),
        (b"\xff\xfe\x00", False),
        ("[s]\n" + "a" * 100_000 + " " * 30_000, False),
    ],
)
def test_an_ini_counts_as_a_tree(content: bytes | str, passes: bool) -> None:
    params = {"path": "c", "format": "ini", "leaves": INI_LEAVES}
    got = checking.check("tree", params, {"c": INI_GIVEN}, {"c": content})
    assert got == 1 if passes else got <= 0.5


def test_leaving_the_file_alone_or_only_adding_to_it_earns_nothing() -> None:
    assert score(None) == 0
    assert score(GIVEN["yaml"] + "# seen\n") == 0
    assert score(GIVEN["yaml"] + "more: 1\n") == 0


def test_the_due_change_beside_another_earns_a_part() -> None:
    assert 0 < score(YAML.replace("true", "false")) <= 0.5


PLAIN = (
    st.integers(-(10**6), 10**6)
    | st.booleans()
    | st.text("abc:#-0 1{}'\"ßÖ\\", max_size=8)
    | st.sampled_from(["yes", "Off", "true", "NaN", "eco", "two words", "-Infinity"])
    | st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["a", "b.c", "b.d", "e.f.g", "e.h"]), PLAIN, min_size=1),
    st.sampled_from(trees.FORMATS),
    st.booleans(),
    st.data(),
)
def test_any_rendering_passes_and_any_other_value_fails(leaves: dict[str, Any], form: str, sort: bool, data: Any) -> None:
    def rendered(tree: dict[str, Any]) -> bytes:
        rows = tuple((p, json.dumps(v)) for p, v in tree.items())
        return trees.render(Relation("t", "s", "s", (Column("path", "path"), Column("value", "value")), rows), form, sort=sort)

    if form == "ini":  # every value stands in a section
        leaves = {f"s.{path}": value for path, value in leaves.items()}
    params = {"path": "c", "format": form, "leaves": leaves}
    assert checking.check("tree", params, {}, {"c": rendered(leaves)}) == 1
    path = data.draw(st.sampled_from(sorted(leaves)))
    other = data.draw(
        PLAIN.filter(
            lambda v: (
                _kind(v) != _kind(leaves[path])
                or (v.strip() if isinstance(v, str) else v) != (leaves[path].strip() if isinstance(v, str) else leaves[path])
            )
        )
    )
    assert checking.check("tree", params, {}, {"c": rendered({**leaves, path: other})}) <= 0.5


def _kind(value: Any) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
