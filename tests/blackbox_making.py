"""A black-box agent of a few lines that stands for any command-line program: PROGRAM is what adding one takes."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import psutil

from sandbox import blackbox
from sandbox.blackbox import MODEL_URL, PLACE, Ended, Program
from sandbox.box import Box
from sandbox.episodes import Attempt
from sandbox.harnesses import Harness

AGENT = f"""
import json, subprocess, sys, urllib.request

def answer(response, streamed):
    if not streamed:
        return json.load(response)["choices"][0]["message"]
    said = {{"role": "assistant", "content": "", "tool_calls": []}}
    for line in response:
        if line.strip() == b"data: [DONE]":
            return said
        for choice in json.loads(line[6:])["choices"] if line.startswith(b"data: ") else ():
            said["content"] += choice["delta"].get("content") or ""
            for call in choice["delta"].get("tool_calls") or ():
                said["tool_calls"] += [{{"id": call["id"], "type": "function", "function": {{"name": "", "arguments": ""}}}}] * ("id" in call)
                for name in call["function"]:
                    said["tool_calls"][-1]["function"][name] += call["function"][name]
    sys.exit("half an answer")

streamed = sys.argv[1:] == ["stream"]
tools = [{{"type": "function", "function": {{"name": "exec"}}}}]
messages = [{{"role": "user", "content": open("{PLACE}/task").read()}}]
while True:
    body = json.dumps({{"model": "m", "messages": messages, "tools": tools, "stream": streamed}}).encode()
    asked = urllib.request.Request("{MODEL_URL}/chat/completions", body, {{"Content-Type": "application/json"}})
    try:
        said = answer(urllib.request.urlopen(asked, timeout=600), streamed)
    except urllib.error.HTTPError as error:
        sys.exit(error.read().decode())
    messages.append(said)
    if not said.get("tool_calls"):
        break
    for call in said["tool_calls"]:
        command = json.loads(call["function"]["arguments"])["command"]
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
        messages.append({{"role": "tool", "tool_call_id": call["id"], "content": done.stdout + done.stderr}})
print("all done")
"""


def started(box: Box, going_on: Any) -> None:
    box.write(f"{PLACE}/agent.py", AGENT.encode())


def command(box: Box, attempt: Attempt) -> str:
    box.write(f"{PLACE}/task", attempt.task.instruction.encode())
    return f"python3 {PLACE}/agent.py"


def fault(ended: Ended) -> str:
    return "" if ended.status == 0 else f"the agent ended with {ended.status}"


PROGRAM = Program({"name": "tiny", "version": "1"}, (), {"memory_mb": 64}, started, command, fault)
STREAMING = replace(
    PROGRAM,
    told={"name": "tiny", "version": "1", "streaming": True},
    command=lambda box, attempt: f"{command(box, attempt)} stream",
    ahead=4,
)
STREAMED = Harness(STREAMING.told, functools.partial(blackbox.opened, STREAMING))


def ours(text: str) -> list[psutil.Process]:
    """Live processes that this one has begotten, by a word of their command line."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if text in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found
