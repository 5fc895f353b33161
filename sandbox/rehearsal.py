"""A model that says the same to everyone, run inside a box before it has a task: a program that loads its parts on their first use loads
them now. It calls each of the four tools once, on a file of its own, and is gone when the task comes.

`python3 rehearsal.py PORT FILE`. Standard library only.
"""

from __future__ import annotations

import http.server
import json
import sys
from typing import Any

TYPE = "text/event-stream"


def calls(path: str) -> list[tuple[str, dict[str, Any]]]:
    """One call of each tool."""
    edits = [{"oldText": "a", "newText": "b"}]
    return [
        ("write", {"path": path, "content": "a\n"}),
        ("read", {"path": path}),
        ("edit", {"path": path, "edits": edits}),
        ("exec", {"command": "true"}),
    ]


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    said = {"id": "rehearsal", "object": "chat.completion.chunk", "created": 0, "model": "policy", "choices": [choice]}
    return b"data: " + json.dumps(said).encode() + b"\n\n"


def answer(messages: list[dict[str, Any]], path: str) -> bytes:
    """All calls at once, and when they are answered, the end."""
    said: dict[str, Any]
    if any(message["role"] == "tool" for message in messages):
        said, finish = {"role": "assistant", "content": "Ready."}, "stop"
    else:
        asked = [
            {"index": n, "id": f"call{n}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            for n, (name, arguments) in enumerate(calls(path))
        ]
        said, finish = {"role": "assistant", "content": "", "tool_calls": asked}, "tool_calls"
    return chunk(said) + chunk({}, finish) + b"data: [DONE]\n\n"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = answer(asked["messages"], sys.argv[2])
        self.send_response(200)
        self.send_header("Content-Type", TYPE)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
