"""A configuration file, changed where it stands."""

from __future__ import annotations

import json
from typing import Any

from generators.artifacts import Artifact, Changes
from generators.relations import Relation
from generators.renderers import trees
from specs import records

SAID = {"yaml": "YAML", "json": "JSON", "toml": "TOML", "ini": "INI"}


def changes(artifact: Artifact, answer: Relation) -> Changes:
    """The file with the answer's values."""
    return (records.change_of(artifact.path, trees.render(answer, artifact.form)),)


def check(artifact: Artifact, answer: Relation) -> dict[str, Any]:
    """Params of the check `tree`."""
    leaves = {str(path): json.loads(str(value)) for path, value in answer.rows}
    return {"path": artifact.path, "format": artifact.form, "leaves": leaves}


def shapes(artifact: Artifact, answer: Relation) -> dict[str, Changes]:
    """One value more changed; the right tree under another name."""
    folder, _, name = artifact.path.rpartition("/")
    other = f"{folder}/new-{name}" if folder else f"new-{name}"
    rows = list(answer.rows)
    path, value = rows[-1]
    rows[-1] = (path, _bumped(str(value)))
    return {
        "extra-change": changes(artifact, answer.with_rows(rows)),
        "other-path": (records.change_of(other, trees.render(answer, artifact.form)),),
    }


def _bumped(text: str) -> str:
    value = json.loads(text)
    if isinstance(value, bool):
        return json.dumps(not value)
    return json.dumps(value + 1) if isinstance(value, int | float) else json.dumps(f"{value}-x", ensure_ascii=False)


def equivalents(artifact: Artifact, answer: Relation) -> dict[str, Changes]:
    """Other indentation, other order of keys."""
    return {
        "indent": (records.change_of(artifact.path, trees.render(answer, artifact.form, indent=4)),),
        "key-order": (records.change_of(artifact.path, trees.render(answer, artifact.form, sort=True)),),
    }


def writing(artifact: Artifact, answer: Relation) -> tuple[list[str], list[str]]:
    """Snippets and lines by which a script writes `result` (rows of path and value)."""
    path = repr(artifact.path)
    if artifact.form == "json":
        return ["nest"], [f"json.dump(nest(result), open({path}, 'w', encoding='utf-8'), ensure_ascii=False, indent=2)"]
    if artifact.form == "yaml":
        return ["nest"], [f"yaml.safe_dump(nest(result), open({path}, 'w', encoding='utf-8'), allow_unicode=True, sort_keys=False)"]
    return ["nest", f"write_{artifact.form}"], [
        f"open({path}, 'w', encoding='utf-8').write('\\n'.join({artifact.form}_lines(nest(result))) + '\\n')"
    ]


def words(artifact: Artifact, answer: Relation) -> dict[str, Any]:
    """What the template's sayings name."""
    return {"format": SAID[artifact.form]}
