"""Lines of the recording proxy: who reaches their sockets, what passes between them, what is left of them."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from endpoint_making import Body, endpoint
from proxy_making import AMPLE, MESSAGES, SAYING, ask, client, code, either, event, request, scripted_line, streaming

from sandbox import proxy
from sandbox.doors import Doors
from sandbox.endpoint import Endpoint
from sandbox.recording import Line
from specs.errors import BoundaryError

TOOLS = [{"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}]
EITHER_WAY = pytest.mark.parametrize("stream", [False, True])


def test_a_line_is_told_its_terms_once_and_refuses_calls_before() -> None:
    with endpoint(either()) as played, proxy.recording(Endpoint(played.url, "m")) as lines, lines.line() as line, client(line) as over:
        assert over.get("/models").is_success
        assert code(ask(over)) == (400, "rollout_not_begun")
        assert played.bodies == []
        line.begin({"temperature": 0.5}, AMPLE)
        assert ask(over).is_success
        assert played.bodies[0]["temperature"] == 0.5
        with pytest.raises(RuntimeError):
            line.begin({}, AMPLE)


def test_two_lines_see_nothing_of_each_other() -> None:
    def script(body: Body) -> str:
        return f"I heard {body['messages'][0]['content']}"

    def talk(lines: proxy.Proxy, name: str) -> Line:
        with lines.line({}, AMPLE) as line, client(line) as over:
            for turn in range(5):
                assert name in ask(over, stream=False, messages=[{"role": "user", "content": f"{name} {turn}"}]).text
        return line

    with endpoint(script, delay_s=0.01) as played, proxy.recording(Endpoint(played.url, "m")) as lines, ThreadPoolExecutor(8) as pool:
        names = [f"rollout-{n}" for n in range(8)]
        found = list(pool.map(lambda name: talk(lines, name), names))
    for name, line in zip(names, found, strict=True):
        assert [call.request["messages"][0]["content"] for call in line.calls] == [f"{name} {turn}" for turn in range(5)]
        assert all(name in call.response["choices"][0]["message"]["content"] for call in line.calls)
    assert played.most_open > 1


def test_more_connections_than_any_harness_has_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "CONNECTIONS", 3)
    with scripted_line(either()) as (line, _, _):
        held = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        for one in held:
            one.settimeout(10)
            one.connect(str(line.path))
        assert held[3].recv(1) == b""
        for one in held:
            one.close()
        for _ in range(100):
            with client(line) as over:
                try:
                    assert ask(over).is_success
                    break
                except httpx.TransportError:  # those that left are still being let go
                    continue
        else:
            pytest.fail("nobody is let in any more")


def test_the_socket_is_gone_after_the_block() -> None:
    with endpoint(either()) as played, proxy.recording(Endpoint(played.url, "m")) as lines:
        with lines.line({}, AMPLE) as line, client(line) as over:
            ask(over)
            place = line.path.parent
            assert place.parent.is_dir()
        assert not place.exists()
        assert len(line.calls) == 1
    assert not place.parent.exists()


def test_a_call_on_its_way_ends_with_its_line() -> None:
    left = threading.Event()

    async def hanging() -> AsyncIterator[str]:
        try:
            yield event(SAYING[0])
            await asyncio.sleep(3600)
        finally:
            left.set()

    with endpoint(lambda body: streaming(hanging())) as played, proxy.recording(Endpoint(played.url, "m")) as lines:
        with lines.line({}, AMPLE) as line, request(line, MESSAGES, True) as raw:
            assert b" 200 " in raw.recv(1000)
            stays = raw.dup()
        assert left.wait(10)
        stays.settimeout(10)
        assert b"[DONE]" not in stays.recv(10_000)
        stays.close()
    assert line.calls == ()


def test_what_is_no_url_is_refused() -> None:
    with pytest.raises(BoundaryError), proxy.recording(Endpoint("localhost:8000", "m")):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_nobody_but_the_user_of_boxes_reaches_the_socket() -> None:
    reach = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    with scripted_line(either()) as (line, _, _):
        for user, allowed in ((proxy.OUTSIDE_ID, True), (65534, False)):
            identity = ["setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups"]
            tried = subprocess.run(
                [*identity, "/usr/bin/python3", "-c", reach, str(line.path)], capture_output=True, text=True, cwd="/", check=False
            )
            assert (tried.returncode == 0) is allowed, tried.stderr
            assert allowed or "PermissionError" in tried.stderr


CALL = """
import http.client, json, socket
class Over(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/run/endpoint.sock")
over = Over("box")
over.request("POST", "/v1/chat/completions", json.dumps({"messages": [{"role": "user", "content": "Hello"}]}))
print(json.load(over.getresponse())["choices"][0]["message"]["content"])
"""


def test_a_box_reaches_its_line(open_box: Any) -> None:
    with scripted_line(either("Done.")) as (line, _, _), open_box((), doors=Doors(str(line.path))) as box:
        box.write("call.py", CALL.encode())
        assert "Done." in box.exec("/usr/bin/python3 call.py").output
    assert len(line.calls) == 1
