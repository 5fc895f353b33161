"""A document against its JSON Schema: located problems in plain words, and the part of the document that is sound."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from specs import hints
from specs.errors import Problem
from specs.located import Document, Steps

Found = Any  # a ValidationError of jsonschema, every attribute of which may be unset for its annotations
SCHEMAS = Path(__file__).parent / "schemas"
TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


@functools.cache
def schema(kind: str) -> dict[str, Any]:
    """The schema of a kind of document. Raises FileNotFoundError."""
    found: dict[str, Any] = json.loads((SCHEMAS / f"{kind}.schema.json").read_text(encoding="utf-8"))
    return found


def check(document: Document, kind: str) -> tuple[list[Problem], dict[str, Any]]:
    """Problems of the document's shape, and its value without the parts that have the wrong type or an unknown name."""
    root = schema(kind)
    problems: list[Problem] = []
    broken: list[Steps] = []
    for error in Draft202012Validator(root).iter_errors(document.value):
        steps: Steps = tuple(error.absolute_path)
        found = EXPLAIN.get(str(error.validator), _other)
        problems += found(document, steps, error, root)
        broken += _broken(steps, error)
    return _without_echoes(problems), _sound(document.value, broken)


def _without_echoes(problems: list[Problem]) -> list[Problem]:
    """A misspelt key is one mistake: the key that it meant is not reported missing as well."""
    meant = {
        (p.where.rpartition(".")[0], p.hint.split("'")[1])
        for p in problems
        if p.hint.startswith("did you mean '") and "unknown key" in p.what
    }
    return [p for p in problems if not (p.what.startswith("lacks '") and (p.where, p.what.split("'")[1]) in meant)]


def _broken(steps: Steps, error: Found) -> list[Steps]:
    """The parts that nothing may rely on."""
    if error.validator == "additionalProperties":
        return [(*steps, key) for key in _unknown(error)]
    if error.validator == "enum" and isinstance(error.instance, str):
        return []  # a wrong word is still a word: what it names stays named
    if (
        error.validator in ("required", "dependentRequired", "oneOf", "anyOf", "minProperties", "uniqueItems", None)
        or "propertyNames" in error.schema_path
    ):
        return []
    return [steps]


def _sound(value: Any, broken: list[Steps]) -> dict[str, Any]:
    """A copy without the broken parts; a list with a broken item goes as a whole, so that positions stay true."""
    sound = copy.deepcopy(value)
    for steps in broken:
        keys = [i for i, step in enumerate(steps) if not isinstance(step, int)]
        if not keys:
            return {}
        _remove(sound, steps[: keys[-1] + 1])
    return sound if isinstance(sound, dict) else {}


def _remove(node: Any, steps: Steps) -> None:
    """Take the part at `steps` away, where it still is."""
    for step in steps[:-1]:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(node, dict):
        node.pop(steps[-1], None)


def _unknown(error: Found) -> list[str]:
    return [key for key in error.instance if key not in error.schema.get("properties", {})]


def _additional(document: Document, steps: Steps, error: Found, root: dict[str, Any]) -> Iterator[Problem]:
    known = [k for k in error.schema.get("properties", {}) if k not in error.instance]
    for key in _unknown(error):
        yield document.problem((*steps, key), f"unknown key '{key}'", hints.among(key, known), key=True)


def _required(document: Document, steps: Steps, error: Found, root: dict[str, Any]) -> Iterator[Problem]:
    missing = error.message.split("'")[1]
    about = error.schema.get("properties", {}).get(missing) or _around(error, root).get("properties", {}).get(missing, {})
    yield document.problem(steps, f"lacks '{missing}'", about.get("description", "") if isinstance(about, dict) else "")


def _enum(document: Document, steps: Steps, error: Found, root: dict[str, Any]) -> Iterator[Problem]:
    known = [str(v) for v in (error.validator_value if error.validator == "enum" else [error.validator_value])]
    near = hints.nearest(str(error.instance), known)
    hint = f"did you mean '{near}'?" if near else _message(error, root)
    what = (
        f"{_shown(error.instance)} is not one of {', '.join(known)}" if len(known) > 1 else f"{_shown(error.instance)} is not '{known[0]}'"
    )
    yield document.problem(steps, what, hint)


def _type(document: Document, steps: Steps, error: Found, root: dict[str, Any]) -> Iterator[Problem]:
    wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    yield document.problem(steps, f"{_shown(error.instance)} is not {' or '.join(TYPES[w] for w in wanted)}", _example(error.schema))


def _pattern(document: Document, steps: Steps, error: Found, root: dict[str, Any]) -> Iterator[Problem]:
    key = "propertyNames" in error.schema_path
    what = f"'{error.instance}' is not written as {'a name' if key else 'it should be'}"
    hint = error.schema.get("patternErrorMessage", f"it must match {error.validator_value}")
    yield document.problem((*steps, error.instance) if key else steps, what, hint, key=key)


def _refused(document: Document, steps: Steps, error: Found, root: dict[str, Any]) -> Iterator[Problem]:
    """Keys whose schema is `false`; jsonschema tells the object but not the key."""
    around = list(_way(error, root))[-1]
    schemas = around.get("properties", around)
    there: Any = document.value
    for step in steps:
        there = there[step]
    for key in there:
        if schemas.get(key) is False:
            yield document.problem((*steps, key), f"'{key}' does not belong here", _message(error, root), key=True)


def _dependent(document: Document, steps: Steps, error: Found, root: dict[str, Any]) -> Iterator[Problem]:
    for key, needed in error.validator_value.items():
        for other in needed:
            if key in error.instance and other not in error.instance:
                yield document.problem((*steps, key), f"'{key}' goes only with '{other}'", f"add '{other}' or remove '{key}'", key=True)


def _choice(document: Document, steps: Steps, error: Found, root: dict[str, Any]) -> Iterator[Problem]:
    ways = [option.get("required", [""])[0] for option in error.validator_value]
    if not all(ways) or not isinstance(error.instance, dict):
        yield from _other(document, steps, error, root)
        return
    said = [w for w in ways if w in error.instance]
    what = f"has {' and '.join(said)}" if said else f"has none of {', '.join(ways)}"
    yield document.problem(steps, what, f"exactly one of {', '.join(ways)}" if said else "")


def _few(document: Document, steps: Steps, error: Found, root: dict[str, Any]) -> Iterator[Problem]:
    least = str(error.validator).startswith("min")
    things = "entries" if isinstance(error.instance, list | dict) else "characters"
    what = f"{'fewer' if least else 'more'} than {error.validator_value} {things}"
    yield document.problem(steps, f"{_shown(error.instance)} has {what}", _example(error.schema))


def _other(document: Document, steps: Steps, error: Found, root: dict[str, Any]) -> Iterator[Problem]:
    nearest = best_match([error]) or error
    yield document.problem(tuple(nearest.absolute_path), nearest.message, _example(nearest.schema))


def _around(error: Found, root: dict[str, Any]) -> dict[str, Any]:
    """The innermost schema on the way to the error that lists properties with descriptions."""
    found: dict[str, Any] = {}
    for node in _way(error, root):
        if any(isinstance(p, dict) and len(p) > 0 for p in node.get("properties", {}).values()) and "additionalProperties" in node:
            found = node
    return found


def _message(error: Found, root: dict[str, Any]) -> str:
    """The `errorMessage` of the schema nearest to the error, or empty."""
    return next((str(n["errorMessage"]) for n in reversed(list(_way(error, root))) if "errorMessage" in n), "")


def _way(error: Found, root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schemas from the root to the one that the error is about; jsonschema leaves `$ref` and `if` out of its path."""
    node: Any = root
    for step in error.absolute_schema_path:
        while isinstance(node, dict) and step not in node and "$ref" in node:
            node = root["$defs"][node["$ref"].rpartition("/")[2]]
        if isinstance(node, dict):
            yield node
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(node, dict):
        yield node


def _example(found: Any) -> str:
    examples = found.get("examples") if isinstance(found, dict) else None
    return f"for example {json.dumps(examples[0], ensure_ascii=False)}" if examples else ""


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else f"'{str(value).lower() if isinstance(value, bool) else value}'"


EXPLAIN: dict[str, Callable[[Document, Steps, Found, dict[str, Any]], Iterator[Problem]]] = {
    "additionalProperties": _additional,
    "required": _required,
    "enum": _enum,
    "const": _enum,
    "type": _type,
    "pattern": _pattern,
    "None": _refused,
    "dependentRequired": _dependent,
    "oneOf": _choice,
    "anyOf": _choice,
    "minItems": _few,
    "maxItems": _few,
    "minLength": _few,
    "maxLength": _few,
    "minProperties": _few,
}
