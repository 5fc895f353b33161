"""Text that agents wrote, made safe to look at: nothing invisible, nothing that turns the reading direction, nothing endless."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from specs import digests

HEAD_CHARS = 700
HEAD_LINES = 14
_BIDI = (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
# Joiners (U+200C, U+200D) are not among these: they are part of words and of pictures that one sees.
_UNSEEN = (0x200B, 0x2028, 0x2029, *range(0x2060, 0x2065), 0xFEFF, *range(0xE0000, 0xE0080))
_SHOWN: dict[int, str] = (
    {c: f"\\x{c:02x}" for c in (*range(0x20), 0x7F) if chr(c) not in "\n\t"}
    | dict.fromkeys(range(0x80, 0xA0), "\ufffd")
    | {c: f"⟨U+{c:04X}⟩" for c in (*_BIDI, *_UNSEEN)}
    | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
)


@dataclass(frozen=True)
class Clip:
    """A text as it is shown: `head` at once, `rest` on demand, and how many characters are in neither."""

    head: str
    rest: str
    lost: int

    @property
    def more(self) -> str:
        """How much `rest` holds, in lines where it has several."""
        lines = self.rest.count("\n") + (not self.rest.endswith("\n"))
        return f"{lines:,} more lines" if lines > 1 else f"{len(self.rest):,} more characters"


def plain(text: str) -> str:
    """The text with control characters, direction marks and what takes no room made visible, and CRLF as a line end."""
    return text.replace("\r\n", "\n").translate(_SHOWN)


def clip(text: str, bound: int, head_chars: int = HEAD_CHARS, head_lines: int = HEAD_LINES) -> Clip:
    """The first `bound` characters of a text, of which the head is at most `head_chars` long and `head_lines` high."""
    kept = text[:bound]
    head = "".join(kept[:head_chars].splitlines(keepends=True)[:head_lines])
    if len(head) == head_chars:  # whole lines read better, unless there is but one
        head = head[: head.rfind("\n") + 1] or head
    if len(kept) - len(head) < head_chars // 4 and kept.count("\n") <= head_lines + 4:
        head = kept  # not worth a click
    return Clip(head, kept[len(head) :], len(text) - len(kept))


def of_content(content: Any) -> str:
    """The text of a chat message's content: a string, a list of parts, nothing, or something a policy made up."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(p["text"]) if isinstance(p, dict) and "text" in p else of_json(p) for p in content)
    return of_json(content)


def of_json(value: Any) -> str:
    """A value as text: strings as they are, the rest as JSON."""
    return value if isinstance(value, str) else digests.canonical(value)


def figure(value: Any) -> str:
    """A number as a reader wants it, 1,234 or 0.873; a list as its parts."""
    if isinstance(value, list | tuple):
        return ", ".join(map(figure, value)) or "none"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or value.is_integer():
        return f"{int(value):,}"
    return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"
