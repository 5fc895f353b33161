"""Black-box agents in real boxes, by a program of a few lines that stands for any: how each ends, and what is recorded of it."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import making
import psutil
import pytest
from blackbox_making import AGENT, PROGRAM, command, ours, started
from boxes_making import runners
from openclaw_making import SECRET, failing, playing, run
from starlette.responses import Response

from sandbox import blackbox
from sandbox.blackbox import PLACE, Program
from sandbox.box import Box, Caps, Sandbox
from sandbox.episodes import Attempt
from sandbox.plays import Play
from specs.errors import BoundaryError
from specs.records import SITE_URL, Limits, Rollout, Service, Task, file_of

TASK = making.task({"in.txt": "4\n"}, "Double the number.", ("out.txt",))
CAPS = Caps(memory_mb=256, disk_mb=16)
AMPLE = Limits(50, 120, 100_000)


def rolled(*moves: Any, task: Task = TASK, limits: Limits = AMPLE, program: Program = PROGRAM, caps: Caps = CAPS) -> Rollout:
    """The rollout of a policy that makes these moves."""
    with playing({task.instruction: moves}) as (agent, _), blackbox.opened(program, agent, caps, Sandbox()) as roll_out:
        return roll_out(attempt_at(task, limits, program, caps))


def attempt_at(task: Task, limits: Limits, program: Program = PROGRAM, caps: Caps = CAPS) -> Attempt:
    return Attempt(task, "played", {"name": "played"}, {"temperature": 0.5}, limits, caps, 0, Sandbox(), program.told)


def left(one: Rollout) -> dict[str, bytes | None]:
    return {c.path: c.content for c in one.changes}


def kind(one: Rollout) -> tuple[str, str, str]:
    return one.status, one.limit, one.error.boundary if one.error else ""


# One that comes to its end


def test_what_passed_and_what_was_left_is_the_rollout() -> None:
    one = rolled(run("echo $(( $(cat in.txt) * 2 )) > out.txt"), Play("Doubled."))
    assert kind(one) == ("completed", "", "")
    assert left(one) == {"out.txt": b"8\n"}
    assert [m["role"] for m in one.messages] == ["user", "assistant", "tool", "assistant"]
    assert [t["function"]["name"] for t in one.tools] == ["exec"]
    assert (one.usage.turns, one.usage.tool_calls) == (2, 1)
    assert one.usage.prompt_tokens > 0 and one.usage.completion_tokens > 0
    assert [c.request["temperature"] for c in one.calls] == [0.5, 0.5]
    assert one.calls[0].request["model"] == "played"
    assert one.harness["name"] == "tiny" and one.harness["caps"]["memory_mb"] == 256
    assert one.id == attempt_at(TASK, AMPLE).id


def test_nothing_of_the_harness_is_in_the_workspace() -> None:
    assert left(rolled(run("true"))) == {}


def test_a_site_is_served_beside_the_model() -> None:
    task = replace(TASK, services=(Service("site", (file_of("index.html", b"<h1>Market</h1>"),)),))
    one = rolled(run(f"python3 -c \"import urllib.request as u; print(u.urlopen('{SITE_URL}').read())\" > page"), task=task)
    assert left(one) == {"page": b"b'<h1>Market</h1>'\n"}


def test_no_key_is_inside() -> None:
    parts = " ".join(SECRET)
    look = f"key=$(echo {parts} | tr -d ' '); cat /proc/[0-9]*/environ | grep -c -e $key > found; grep -rl -e $key /tmp /run /etc >> found"
    one = rolled(run(look))
    assert left(one) == {"found": b"0\n"}
    assert SECRET not in repr(one)


def test_each_rollout_has_a_box_and_a_line_of_its_own() -> None:
    tasks = [making.task({"in.txt": f"{n}\n"}, f"Double number {n}.", ("out.txt",), f"{n:012x}") for n in range(8)]
    moves = [run("ls -A /tmp/harness /tmp > seen; echo mine > /tmp/mark; echo $(( $(cat in.txt) * 2 )) > out.txt")]
    with playing({t.instruction: moves for t in tasks}) as (agent, _), blackbox.opened(PROGRAM, agent, CAPS, Sandbox()) as roll_out:
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(lambda t: roll_out(attempt_at(t, AMPLE)), tasks))
    for n, one in enumerate(found):
        assert kind(one) == ("completed", "", "")
        assert left(one)["out.txt"] == f"{2 * n}\n".encode()
        assert b"mark" not in (left(one)["seen"] or b"")
        assert [m["content"] for m in one.messages if m["role"] == "user"] == [f"Double number {n}."]


# One that a limit ends


@pytest.mark.parametrize(("limits", "limit"), [(replace(AMPLE, steps=2), "steps"), (replace(AMPLE, tokens=30), "tokens")])
def test_a_limit_of_the_line_ends_it(limits: Limits, limit: str) -> None:
    one = rolled(*[run("echo x >> x.txt")] * 30, limits=limits)
    assert kind(one) == ("limit", limit, "")
    assert set((left(one)["x.txt"] or b"").split()) == {b"x"}


def test_time_ends_it_in_the_middle_of_a_command() -> None:
    one = rolled(run("echo begun > a.txt; sleep 100; echo late > b.txt"), limits=replace(AMPLE, seconds=3))
    assert kind(one) == ("limit", "seconds", "")
    assert left(one) == {"a.txt": b"begun\n"}


def test_one_that_takes_no_for_an_answer_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blackbox, "PATIENCE_S", 1.0)
    monkeypatch.setattr(blackbox, "SLICE_S", 0.5)
    stubborn = replace(PROGRAM, command=lambda box, attempt: f"{command(box, attempt)}; sleep 100")
    one = rolled(*[run("true")] * 9, limits=replace(AMPLE, steps=2), program=stubborn)
    assert kind(one) == ("limit", "steps", "")


def test_memory_that_its_agent_uses_up_is_its_limit() -> None:
    hungry = "exec python3 -c 'x = []\nwhile True: x.append(bytes(1 << 20))'"
    alone = replace(PROGRAM, command=lambda box, attempt: f"{command(box, attempt)} || exit 1")
    fatal = replace(
        alone,
        started=lambda box, _: box.write(
            f"{PLACE}/agent.py", AGENT.replace("capture_output=True", "check=True, capture_output=True").encode()
        ),
    )
    assert kind(rolled(run(hungry), program=fatal)) == ("limit", "box", "")


def test_a_disk_that_its_agent_fills_is_its_limit() -> None:
    """What writes to it then fails, and with it the program."""
    fragile = AGENT.replace("messages.append(said)", f'messages.append(said); open("{PLACE}/log", "a").write("x" * 99999)')
    program = replace(PROGRAM, started=lambda box, _: box.write(f"{PLACE}/agent.py", fragile.encode()))
    assert kind(rolled(run("cat /dev/zero > /tmp/zero"), Play("Done."), program=program)) == ("limit", "box", "")


# One that ends otherwise


FELL = "echo x > before.txt; pkill -9 -f harness/agent"


def test_an_agent_that_fells_its_harness_is_at_its_limit_and_graded() -> None:
    one = rolled(run(FELL))
    assert kind(one) == ("limit", "box", "")
    assert left(one) == {"before.txt": b"x\n"}


def test_one_that_is_felled_once_is_tried_again() -> None:
    """By somebody outside, while its agent's command runs."""
    struck = threading.Event()

    def watch() -> None:
        while not struck.is_set():
            for process in ours("harness/agent.py"):
                with suppress(psutil.Error):  # it has ended meanwhile
                    if any("sleep 2" in " ".join(child.cmdline()) for child in process.children(recursive=True)):
                        process.kill()
                        struck.set()
            time.sleep(0.05)

    thread = threading.Thread(target=watch)
    thread.start()
    one = rolled(run("sleep 2.5; echo on > a.txt"), Play("Done."))
    thread.join()
    assert struck.is_set()
    assert kind(one) == ("completed", "", "")
    assert left(one) == {"a.txt": b"on\n"}


def test_one_that_is_felled_before_its_agent_did_anything_is_an_error() -> None:
    suicidal = replace(PROGRAM, command=lambda box, attempt: "kill -9 $BASHPID")
    one = rolled(Play("Done."), program=suicidal)
    assert kind(one) == ("error", "", "harness")


@pytest.mark.parametrize("ending", ["exit 7", "kill -SEGV $BASHPID"])
def test_one_that_fails_by_itself_is_an_error(ending: str) -> None:
    failing_ = replace(PROGRAM, command=lambda box, attempt: f"{command(box, attempt)}; echo why >&2; {ending}")
    one = rolled(run("echo x > x.txt"), Play("Done."), program=failing_)
    assert kind(one) == ("error", "", "harness")
    assert one.error is not None and "why" in one.error.message
    assert one.changes == ()
    assert one.usage.turns == 2


def test_one_that_asks_nothing_is_an_error() -> None:
    one = rolled(Play("Done."), program=replace(PROGRAM, command=lambda box, attempt: "true"))
    assert one.error is not None and "asked the model nothing" in one.error.message


def test_one_that_is_not_there_is_an_error() -> None:
    one = rolled(Play("Done."), program=replace(PROGRAM, command=lambda box, attempt: "no-such-program"))
    assert kind(one) == ("error", "", "harness")
    assert one.error is not None and "not found" in one.error.message


def test_one_that_cannot_be_started_is_an_error_and_the_next_is_tried_anew() -> None:
    tries: list[int] = []

    def starting(box: Box, going_on: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise BoundaryError("harness", "not today")
        started(box, going_on)

    program = replace(PROGRAM, started=starting, ahead=0)
    with playing({TASK.instruction: [Play("Done.")]}) as (agent, _), blackbox.opened(program, agent, CAPS, Sandbox()) as roll_out:
        found = [roll_out(attempt_at(TASK, AMPLE, program)) for _ in range(2)]
    assert [kind(one) for one in found] == [("error", "", "harness"), ("completed", "", "")]


def test_a_start_that_is_under_way_when_all_is_over_is_given_up() -> None:
    begun, ended = threading.Event(), threading.Event()

    def starting(box: Box, going_on: Any) -> None:
        begun.set()
        while going_on():
            time.sleep(0.01)
        ended.set()

    program = replace(PROGRAM, started=starting)
    with playing({}) as (agent, _), blackbox.opened(program, agent, CAPS, Sandbox()):
        assert begun.wait(30)
    assert ended.is_set()


@pytest.mark.parametrize("move", [lambda: failing(401), lambda: Response("garbage", 200)], ids=["refused", "garbage"])
def test_an_endpoint_that_fails_is_its_own_error(move: Any) -> None:
    one = rolled(run("echo x > x.txt"), move)
    assert kind(one) == ("error", "", "endpoint")
    assert (one.changes, one.usage.turns) == ((), 1)


def test_a_box_that_is_killed_is_an_error() -> None:
    def strike() -> Response:
        for pid in runners():
            os.kill(pid, 9)
        return failing(503)

    one = rolled(run("true"), strike)
    assert kind(one) == ("error", "", "box")


def test_files_that_are_no_workspaces_are_an_error_and_no_exception() -> None:
    bad = replace(TASK, workspace=(file_of("../x", b""),))
    one = rolled(Play("Done."), task=bad)
    assert kind(one) == ("error", "", "box")
