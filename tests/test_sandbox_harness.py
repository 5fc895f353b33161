"""The built-in harness: a policy given as a function, at work in a real box."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import making
import pytest

from sandbox import harness, tools
from sandbox.box import Caps, open_box
from sandbox.harness import Completion, ContextFull, Episode, run_episode
from specs.errors import BoundaryError
from specs.records import Change, Limits, Task, file_of

LIMITS = Limits(steps=6, seconds=60, tokens=1000)
DONE = "All done."
Said = dict[str, Any]


def says(text: str | None, *calls: tuple[str, Any], finish: str = "", tokens: int = 10) -> Said:
    """A response that says `text` and calls tools, each given as (name, arguments)."""
    message: Said = {"role": "assistant", "content": text}
    if calls:
        functions = [{"name": name, "arguments": a if isinstance(a, str) else json.dumps(a)} for name, a in calls]
        message["tool_calls"] = [{"id": f"c{n}", "type": "function", "function": f} for n, f in enumerate(functions)]
    choice = {"message": message, "finish_reason": finish or ("tool_calls" if calls else "stop")}
    return {"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": tokens}}


class Policy:
    """Gives these responses in turn, the last again and again; remembers what it was asked. An exception is raised."""

    def __init__(self, *answers: Said | Exception | Callable[[], Said]):
        self.answers, self.asked = answers, []

    def __call__(self, messages: list[Said], offered: list[Said], sampling: Said) -> Completion:
        self.asked.append((messages, offered, sampling))
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return Completion(answer() if callable(answer) else answer)


def work(
    policy: Policy, task: Task | None = None, limits: Limits = LIMITS, caps: Caps | None = None, **sampling: Any
) -> tuple[Episode, tuple[Change, ...]]:
    task = task or making.task({"in.txt": "one\ntwo\n"})
    with open_box(task.workspace, caps or Caps()) as box:
        episode = run_episode(task, policy, box, sampling, limits)
        return episode, box.snapshot()


def results(episode: Episode) -> list[str]:
    return [message["content"] for message in episode.messages if message["role"] == "tool"]


def test_an_answer_without_tool_calls_completes() -> None:
    episode, changes = work(Policy(says(DONE)))
    assert (episode.status, episode.limit, episode.error, changes) == ("completed", "", None, ())
    assert [message["role"] for message in episode.messages] == ["system", "user", "assistant"]
    assert episode.messages[-1]["content"] == DONE


def test_tool_calls_of_one_message_run_in_order() -> None:
    calls = [
        ("write", {"path": "a.txt", "content": "1"}),
        ("exec", {"command": "cat a.txt >> b.txt; echo 2 > a.txt"}),
        ("read", {"path": "a.txt"}),
    ]
    episode, changes = work(Policy(says("", *calls), says(DONE)))
    assert {change.path: change.content for change in changes} == {"a.txt": b"2\n", "b.txt": b"1"}
    assert "2" in results(episode)[2]
    assert [m.get("tool_call_id") for m in episode.messages if m["role"] == "tool"] == ["c0", "c1", "c2"]
    assert (episode.usage.turns, episode.usage.tool_calls) == (2, 3)


def test_every_call_is_recorded_with_what_was_sent() -> None:
    policy = Policy(says("", ("read", {"path": "in.txt"})), says(DONE))
    episode, _ = work(policy, temperature=0.5)
    assert [call.response for call in episode.calls] == list(policy.answers)
    for call, (messages, offered, sampling) in zip(episode.calls, policy.asked, strict=True):
        assert call.request == {"messages": messages, "tools": offered, **sampling}
    assert episode.calls[0].request["messages"] == episode.messages[:2]
    assert episode.calls[1].request["messages"] == episode.messages[:4]
    assert policy.asked[0][1] == tools.TOOLS
    assert policy.asked[0][2]["temperature"] == 0.5


def test_tokens_are_recorded_and_counted_where_given() -> None:
    def complete(messages: list[Said], offered: list[Said], sampling: Said) -> Completion:
        return Completion(says(DONE), (1, 2, 3), (4, 5), (-0.1, -0.2))

    task = making.task({})
    with open_box(task.workspace, Caps()) as box:
        episode = run_episode(task, complete, box, {}, LIMITS)
    (call,) = episode.calls
    assert (call.prompt_ids, call.completion_ids, call.logprobs) == ((1, 2, 3), (4, 5), (-0.1, -0.2))
    assert (episode.usage.prompt_tokens, episode.usage.completion_tokens) == (3, 2)


def test_steps_are_limited() -> None:
    policy = Policy(says("", ("exec", {"command": "echo x >> log"})))
    episode, changes = work(policy, limits=Limits(3, 60, 1000))
    assert (episode.status, episode.limit, len(policy.asked)) == ("limit", "steps", 3)
    assert changes[0].content == b"x\n" * 3


def test_completion_tokens_are_limited() -> None:
    policy = Policy(says("", ("exec", {"command": "true"}), tokens=40))
    episode, _ = work(policy, limits=Limits(50, 60, 100), max_tokens=64)
    assert (episode.status, episode.limit) == ("limit", "tokens")
    assert [sampling["max_tokens"] for _, _, sampling in policy.asked] == [64, 60, 20]


def test_an_answer_cut_off_is_a_limit_not_a_completion() -> None:
    episode, _ = work(Policy(says("I was about to", finish="length")))
    assert (episode.status, episode.limit) == ("limit", "tokens")


def test_a_prompt_that_no_longer_fits_is_a_limit() -> None:
    episode, _ = work(Policy(says("", ("exec", {"command": "true"})), ContextFull("too long")))
    assert (episode.status, episode.limit, len(episode.calls)) == ("limit", "tokens", 1)


def test_seconds_are_limited_between_turns() -> None:
    def slow() -> Said:
        time.sleep(0.6)
        return says("", ("exec", {"command": "true"}))

    episode, _ = work(Policy(slow), limits=Limits(50, 1, 1000))
    assert (episode.status, episode.limit) == ("limit", "seconds")
    assert len(episode.calls) == 2


def test_a_tool_that_runs_on_is_cut_at_the_seconds_left() -> None:
    episode, _ = work(Policy(says("", ("exec", {"command": "sleep 30", "timeoutSeconds": 30}))), limits=Limits(5, 1, 1000))
    assert (episode.status, episode.limit, len(episode.calls)) == ("limit", "seconds", 1)
    assert episode.seconds < 15


def test_a_box_that_uses_up_a_cap_is_a_limit() -> None:
    busy = Policy(says("", ("exec", {"command": "echo x > out.txt; while :; do :; done", "timeoutSeconds": 30})), says(DONE))
    episode, changes = work(busy, caps=Caps(cpu_seconds=1))
    assert (episode.status, episode.limit, episode.error, len(episode.calls)) == ("limit", "box", None, 1)
    assert results(episode) == ["error: the box was stopped: cpu"]
    assert [change.path for change in changes] == ["out.txt"]


@pytest.mark.parametrize("boundary", ["endpoint", "box"])
def test_a_failure_of_the_machinery_is_an_error_with_its_boundary(boundary: str) -> None:
    policy = Policy(says("", ("exec", {"command": "true"})), BoundaryError(boundary, "it broke"))
    episode, _ = work(policy)
    assert episode.status == "error"
    assert episode.error is not None
    assert (episode.error.boundary, episode.error.message) == (boundary, "it broke")
    assert (len(episode.calls), episode.usage.tool_calls) == (1, 1)


@pytest.mark.parametrize(
    "response", [{}, {"choices": []}, {"choices": [{}]}, {"choices": [{"message": {"tool_calls": [{}]}}]}, {"error": "x"}]
)
def test_a_response_without_a_message_is_the_endpoints_failure(response: Said) -> None:
    episode, _ = work(Policy(response))
    assert episode.error is not None
    assert (episode.status, episode.error.boundary) == ("error", "endpoint")
    assert episode.calls[0].response == response


def test_a_fault_of_the_loop_is_the_harness_failure() -> None:
    episode, _ = work(Policy(ZeroDivisionError("oops")))
    assert episode.error is not None
    assert (episode.error.boundary, episode.error.message) == ("harness", "ZeroDivisionError: oops")


BROKEN = ['{"path": "in.txt"', "path=in.txt", "{'path': 'in.txt'}", "[" * 100_000]


@pytest.mark.parametrize("raw", BROKEN)
def test_broken_arguments_are_answered_to_the_model(raw: str) -> None:
    episode, _ = work(Policy(says("", ("read", raw)), says("", ("read", {"path": "in.txt"})), says(DONE)))
    assert episode.status == "completed"
    first, second = results(episode)
    assert first.startswith("error: the arguments of read are not valid JSON")
    assert "two" in second


@pytest.mark.parametrize("raw", BROKEN)
def test_what_is_sent_again_always_parses(raw: str) -> None:
    policy = Policy(says("", ("read", raw)), says(DONE))
    work(policy)
    (call,) = policy.asked[1][0][2]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"not_json": raw}


def test_sound_arguments_are_sent_again_letter_for_letter() -> None:
    raw = '{ "path":"in.txt" }'
    policy = Policy(says("", ("read", raw)), says(DONE))
    work(policy)
    assert policy.asked[1][0][2]["tool_calls"][0]["function"]["arguments"] == raw


@pytest.mark.parametrize(
    ("name", "arguments"), [("fly", {}), ("", {}), ("read", {}), ("read", [1]), ("read", '"in.txt"'), ("read", ""), ("write", {"path": 3})]
)
def test_a_call_of_no_sense_is_answered_to_the_model(name: str, arguments: Any) -> None:
    episode, _ = work(Policy(says("", (name, arguments)), says(DONE)))
    assert episode.status == "completed"
    assert results(episode)[0].startswith("error:")


def test_arguments_given_as_an_object_and_no_id_are_understood() -> None:
    call = {"type": "function", "function": {"name": "read", "arguments": {"path": "in.txt"}}}
    response = {"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": [call]}}]}
    episode, _ = work(Policy(response, says(DONE)))
    sent = episode.messages[2]
    assert (sent["content"], sent["tool_calls"][0]["id"], sent["tool_calls"][0]["function"]["arguments"]) == (
        "",
        "call-0-0",
        '{"path": "in.txt"}',
    )
    assert "two" in results(episode)[0]


def test_long_outputs_are_bounded_and_keep_their_end() -> None:
    command = "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo the end"
    episode, _ = work(Policy(says("", ("exec", {"command": command})), says(DONE)))
    (text,) = results(episode)
    assert len(text) < 2 * harness.OUTPUT_CHARS


def test_lone_surrogates_do_not_reach_the_records() -> None:
    raw = '{"path": "no\\ud800where.txt"}'
    episode, _ = work(Policy(says("bad \udc00 text", ("read", raw)), says(DONE)))
    assert episode.status == "completed"
    assert results(episode)[0].startswith("error: ")
    json.dumps([episode.messages, [call.response for call in episode.calls]], ensure_ascii=False).encode()


def test_skills_are_offered_as_name_description_and_path() -> None:
    skill = "---\nname: ledger\ndescription: Adding up, with care.\n---\nRead the columns first. ---\n"
    task = making.task({".skills/ledger/SKILL.md": skill, ".skills/ledger/files/x.md": "no skill", "in.txt": ""})
    prompt = harness.system_prompt(task)
    assert "- ledger: Adding up, with care. (.skills/ledger/SKILL.md)" in prompt
    assert "Read the columns" not in prompt
    assert "x.md" not in prompt


def test_without_skills_none_are_mentioned() -> None:
    assert "kill" not in harness.system_prompt(making.task({"in.txt": ""}))


def test_a_skill_without_front_matter_is_the_harness_failure() -> None:
    with pytest.raises(BoundaryError) as caught:
        harness.system_prompt(making.task({".skills/ledger/SKILL.md": "# Ledger\n"}))
    assert caught.value.boundary == "harness"


def test_the_workspace_of_the_box_is_the_tasks() -> None:
    program = file_of("run.sh", b"#!/bin/sh\necho beta\n", 0o755)
    given = making.task({"docs/a.txt": "alpha"})
    task = replace(given, workspace=(*given.workspace, program))
    episode, changes = work(Policy(says("", ("exec", {"command": "cat docs/a.txt; ./run.sh"})), says(DONE)), task)
    assert "alpha" in results(episode)[0]
    assert "beta" in results(episode)[0]
    assert changes == ()
