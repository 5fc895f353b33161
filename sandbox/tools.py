"""The four tools an agent has in a box: read, write, edit, exec. Their names and parameters are OpenClaw's."""

from __future__ import annotations

import itertools
from typing import Any

from sandbox.box import Box, BoxLimit
from specs.hostile import text_of

READ_LINES = 2000
READ_BYTES = 48 << 10
DEFAULT_S = 30
LONGEST_S = 120

_PATH = {"type": "string", "description": "Path of the file, relative to the workspace or absolute."}
_EDIT = {
    "type": "object",
    "properties": {
        "oldText": {"type": "string", "description": "Exact text to replace; must occur exactly once in the file."},
        "newText": {"type": "string", "description": "Text to put in its place."},
    },
    "required": ["oldText", "newText"],
    "additionalProperties": False,
}


def _tool(name: str, description: str, required: list[str], **properties: dict[str, Any]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TOOLS: list[dict[str, Any]] = [
    _tool(
        "read",
        f"Read a text file, at most {READ_LINES} lines at a time.",
        ["path"],
        path=_PATH,
        offset={"type": "integer", "minimum": 1, "description": "Line to start from, counted from 1."},
        limit={"type": "integer", "minimum": 1, "description": "Most lines to read."},
    ),
    _tool(
        "write",
        "Write a file. Makes its directories, overwrites what is there.",
        ["path", "content"],
        path=_PATH,
        content={"type": "string", "description": "The whole content."},
    ),
    _tool(
        "edit",
        "Edit a file by replacing exact pieces of text. Each oldText is looked for in the original file.",
        ["path", "edits"],
        path=_PATH,
        edits={"type": "array", "items": _EDIT, "minItems": 1, "description": "Replacements that don't overlap."},
    ),
    _tool(
        "exec",
        "Run a shell command with bash. Gives standard output and error together.",
        ["command"],
        command={"type": "string", "description": "The command."},
        workdir={"type": "string", "description": "Directory to run in, relative to the workspace."},
        timeoutSeconds={
            "type": "number",
            "exclusiveMinimum": 0,
            "description": f"Seconds after which it is stopped: {DEFAULT_S} unless told, {LONGEST_S} at most.",
        },
    ),
]


class Mistake(Exception):
    """What the agent did wrong, in words for the agent."""


def call(box: Box, name: str, arguments: Any) -> str:
    """Run a tool and say what came of it. An agent's mistake is a text that starts with "error: ".

    Raises BoxLimit where a cap struck, BoxError where the box is over.
    """
    try:
        return _RUN[name](box, _checked(name, arguments)) if name in _RUN else _unknown(name)
    except Mistake as mistake:
        return f"error: {mistake}"
    except OSError as error:
        return f"error: {error.filename}: {error.strerror}"


def _unknown(name: str) -> str:
    raise Mistake(f"no tool named {name!r}; there are {', '.join(_RUN)}")


def _checked(name: str, arguments: Any) -> dict[str, Any]:
    """The arguments, if they are what the tool's schema says."""
    schema = next(t["function"]["parameters"] for t in TOOLS if t["function"]["name"] == name)
    _check(schema, arguments, f"the arguments of {name}")
    return dict(arguments)


_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "object": ((dict,), "an object"),
    "array": ((list,), "a list"),
    "string": ((str,), "a string"),
    "integer": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
}


def _check(schema: dict[str, Any], value: Any, what: str) -> None:
    """The few words of JSON Schema that TOOLS uses; said in words that help an agent. Raises Mistake."""
    types, noun = _TYPES[schema["type"]]
    if type(value) not in types:
        raise Mistake(f"{what} must be {noun}")
    if isinstance(value, (int, float)) and not (
        value >= schema.get("minimum", value) and value > schema.get("exclusiveMinimum", float("-inf"))
    ):
        raise Mistake(f"{what} is too small")
    if schema["type"] == "array":
        if len(value) < schema["minItems"]:
            raise Mistake(f"{what} must not be empty")
        for number, item in enumerate(value):
            _check(schema["items"], item, f"{what}[{number}]")
    if schema["type"] == "object":
        for key in schema["required"]:
            if key not in value:
                raise Mistake(f"{what}: {key!r} is missing")
        for key, item in value.items():
            if key not in schema["properties"]:
                raise Mistake(f"{what}: there is no {key!r}, only {', '.join(schema['properties'])}")
            _check(schema["properties"][key], item, key)


def _text(content: bytes, path: str) -> str:
    text = text_of(content)
    if text is None:
        raise Mistake(f"{path} is not UTF-8 text; look at it with exec")
    return text


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise Mistake("the text holds half of a surrogate pair, which no file can") from None


def _read(box: Box, arguments: dict[str, Any]) -> str:
    path, first = arguments["path"], arguments.get("offset", 1)
    lines = _text(box.read(path), path).split("\n")
    if lines[-1] == "":
        lines.pop()
    if first > max(1, len(lines)):
        raise Mistake(f"{path} has {len(lines)} lines; there is no line {first}")
    shown: list[str] = []
    size = 0
    for line in lines[first - 1 : first - 1 + min(arguments.get("limit", READ_LINES), READ_LINES)]:
        size += len(line.encode()) + 1
        if size > READ_BYTES and shown:
            break
        shown.append(line if len(line) <= READ_BYTES else f"{line[:READ_BYTES]}... [line cut; look at it with exec]")
    following = first + len(shown)
    more = len(lines) - following + 1
    return "\n".join(shown) + (f"\n[{more} more lines; go on with offset {following}]" if more > 0 else "")


def _write(box: Box, arguments: dict[str, Any]) -> str:
    content = _bytes(arguments["content"])
    box.write(arguments["path"], content)
    return f"wrote {len(content)} bytes to {arguments['path']}"


def _edit(box: Box, arguments: dict[str, Any]) -> str:
    path, edits = arguments["path"], arguments["edits"]
    original = _text(box.read(path), path)
    spans = sorted(_span(original, edit, f"edits[{number}].oldText", path) for number, edit in enumerate(edits))
    if any(after[0] < before[1] for before, after in itertools.pairwise(spans)):
        raise Mistake("two edits overlap; make them one")
    edited, end = [], 0
    for start, stop, text in spans:
        edited += [original[end:start], text]
        end = stop
    box.write(path, _bytes("".join(edited) + original[end:]))
    return f"made {len(spans)} replacement{'s' if len(spans) != 1 else ''} in {path}"


def _span(original: str, edit: dict[str, str], what: str, path: str) -> tuple[int, int, str]:
    """Where an edit applies and what it puts there. A file with CRLF is matched by text written with plain line ends."""
    old, new = edit["oldText"], edit["newText"]
    if not old:
        raise Mistake(f"{what} is empty")
    if old not in original and "\r\n" in original:
        old, new = (text.replace("\r\n", "\n").replace("\n", "\r\n") for text in (old, new))
    count = original.count(old)
    if count != 1:
        found = "does not occur" if count == 0 else f"occurs {count} times"
        raise Mistake(f"{what} {found} in {path}; it must occur exactly once")
    start = original.index(old)
    return start, start + len(old), new


def told(arguments: dict[str, Any]) -> tuple[str, str, float]:
    """What the tool exec is told: the command, its directory, and the seconds that it may take."""
    return arguments["command"], arguments.get("workdir", ""), min(arguments.get("timeoutSeconds", DEFAULT_S), LONGEST_S)


def _exec(box: Box, arguments: dict[str, Any]) -> str:
    command, workdir, seconds = told(arguments)
    result = box.exec(command, workdir, seconds)
    if result.killed:
        raise BoxLimit(result.killed, f"a command used up the box's {result.killed}")
    notes = []
    if result.timed_out:
        notes.append(f"[stopped after {seconds} s]")
    elif result.status != 0:
        notes.append(f"[exit status {result.status}]")
    output = result.output.rstrip("\n")
    return "\n".join([output, *notes] if output else notes) or "(no output)"


_RUN = {"read": _read, "write": _write, "edit": _edit, "exec": _exec}
