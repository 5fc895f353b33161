"""For the fuzz corpus: edits that spoil a right answer, and the corpus that they make: `python tests/fuzz_edits.py EXAMPLES`."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from fuzz_making import RIGHTS, Right
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

ODD = [
    b"\xef\xbb\xbf",
    b"\0",
    b"\r",
    b"\n",
    b"\t",
    b"\x1b[0m",
    b"\x85",
    "\u2028".encode(),
    "\u200b".encode(),
    "\u202e".encode(),
    b"\xff",
    b"\xed\xa0\x80",
]
ODD += [
    b'"',
    b"'",
    b",",
    b";",
    b"|",
    b"\\",
    b"#",
    b"{",
    b"]",
    b"- ",
    b": ",
    b"&a ",
    b"*a",
    b"!!str ",
    b"<<: ",
    b"%",
    b"1e9",
    b"NaN",
    b"null",
    b"0",
    b"-",
    b".",
]
LINES = [
    b"",
    b"x",
    b"a,b",
    b"...",
    b"---",
    b"# x",
    b"total: 1",
    b"END:VEVENT",
    b"BEGIN:VEVENT",
    b"Total: 9",
    b"not Total: 1",
    b"[server]",
    b"|-|-|",
    b"{}",
    b"\x00",
]
CODECS = ["utf-16", "utf-16-le", "utf-32", "latin-1", "cp037", "utf-7", "cp1252", "utf-8-sig"]
MARKS = re.compile(rb'[0-9]+|[A-Za-z]+|[-+.:,"{}\[\]|=]')


def position(draw: Any, data: bytes) -> int:
    return int(draw(st.integers(0, len(data))))


def flipped(draw: Any, data: bytes) -> bytes:
    at = position(draw, data[:-1])
    return data[:at] + bytes([data[at] ^ (1 << draw(st.integers(0, 7)))]) + data[at + 1 :] if data else data


def cut(draw: Any, data: bytes) -> bytes:
    return data[: position(draw, data)]


def without(draw: Any, data: bytes) -> bytes:
    at = position(draw, data)
    return data[:at] + data[at + draw(st.integers(1, 40)) :]


def doubled(draw: Any, data: bytes) -> bytes:
    at = position(draw, data)
    return data[:at] + data[at : at + draw(st.integers(1, 80))] * 2 + data[at:]


def with_odd(draw: Any, data: bytes) -> bytes:
    at = draw(st.sampled_from([0, len(data)]) | st.integers(0, len(data)))
    return data[:at] + draw(st.sampled_from(ODD) | st.binary(min_size=1, max_size=4)) + data[at:]


def spliced(draw: Any, data: bytes) -> bytes:
    other = draw(st.sampled_from(RIGHTS)).content
    return data[: position(draw, data)] + other[position(draw, other) :]


def recoded(draw: Any, data: bytes) -> bytes:
    return data.decode("utf-8", "replace").encode(draw(st.sampled_from(CODECS)), "replace")


def relined(draw: Any, data: bytes) -> bytes:
    lines = data.split(b"\n")
    at, to = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
    deed = draw(st.sampled_from(["gone", "twice", "swapped", "new", "indented", "crlf"]))
    if deed == "gone":
        del lines[at]
    elif deed == "twice":
        lines.insert(to, lines[at])
    elif deed == "swapped":
        lines[at], lines[to] = lines[to], lines[at]
    elif deed == "new":
        lines.insert(at, draw(st.sampled_from(LINES)))
    elif deed == "indented":
        lines[at] = b"  " + lines[at]
    return (b"\r\n" if deed == "crlf" else b"\n").join(lines)


def replaced(draw: Any, data: bytes) -> bytes:
    """A word, a number or a sign given way to another one of the same text, or to nothing."""
    found = list(MARKS.finditer(data))
    if not found:
        return data
    one, other = draw(st.sampled_from(found)), draw(st.sampled_from(found))
    return data[: one.start()] + draw(st.sampled_from([other[0], b"", one[0] + b"0", one[0].swapcase(), one[0] * 2])) + data[one.end() :]


def restructured(draw: Any, data: bytes) -> bytes:
    """JSON with a part gone, new, wrapped or of another type; other formats as JSON strings and the like."""
    try:
        value = json.loads(data)
    except ValueError:
        return json.dumps(data.decode("utf-8", "replace")).encode() if draw(st.booleans()) else b"[" + data + b"]"
    node = value
    while isinstance(node, list | dict) and node:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = draw(st.sampled_from(keys))
        if isinstance(node[key], list | dict) and draw(st.booleans()):
            node = node[key]
            continue
        deed = draw(st.sampled_from(["gone", "new", "wrapped", "text", "null"]))
        if deed == "gone":
            del node[key]
        elif deed == "new":
            node.append(node[key]) if isinstance(node, list) else node.__setitem__("x", node[key])
        else:
            node[key] = {"wrapped": [node[key]], "text": str(node[key]), "null": None}[deed]
        break
    return json.dumps(value, ensure_ascii=draw(st.booleans())).encode()


EDITS = [flipped, cut, without, doubled, with_odd, with_odd, spliced, recoded, relined, relined, replaced, replaced, restructured]


@st.composite
def spoiled(draw: Any, content: bytes) -> bytes:
    """The content after one to three edits."""
    for _ in range(draw(st.integers(1, 3))):
        content = draw(st.sampled_from(EDITS))(draw, content)
    return content


@st.composite
def malformed(draw: Any) -> tuple[Right, bytes]:
    """A right answer, and what became of it."""
    one = draw(st.sampled_from(RIGHTS))
    return one, draw(spoiled(one.content))


def corpus(examples: int) -> dict[tuple[int, bytes], None]:
    """Distinct malformed outputs, by the number of what they were made from."""
    found: dict[tuple[int, bytes], None] = {}

    @settings(max_examples=examples, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(malformed())
    def kept(made: tuple[Right, bytes]) -> None:
        one, data = made
        if data != one.content:
            found[RIGHTS.index(one), data] = None

    kept()
    return found


if __name__ == "__main__":  # in a process of its own: what hypothesis draws depends on the modules that are loaded
    print(json.dumps([(number, data.hex()) for number, data in corpus(int(sys.argv[1]))]))
