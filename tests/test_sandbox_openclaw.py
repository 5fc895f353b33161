"""OpenClaw itself, in real boxes: what a scripted policy leaves under it and under the built-in harness, and every way for it to end."""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import making
import psutil
import pytest
from openclaw_making import SECRET, call, failing, harness, needed, playing, rolled_out, run
from starlette.responses import Response

from sandbox import openclaw
from sandbox.plays import Play
from specs import digests
from specs.errors import UserError
from specs.records import SITE_URL, Rollout, Service, Task, file_of
from verifiers import grade

pytestmark = [needed, pytest.mark.slow]

SKILL = '---\nname: ledger\ndescription: Keeping a "ledger" & what goes with it\n---\n# Ledger\nCount what is paid.\n'
LETTER = "Dear Jörg,\r\nthe jam is ready.\r\nYours\r\n"
SUM = """mkdir -p 'a b' && python3 - > 'a b/sum.txt' <<'EOF'
import csv
print(sum(int(row["paid"]) for row in csv.DictReader(open("in/paid.csv"))))
EOF
cat 'a b/sum.txt'
"""
LONG = "".join(f'line {n}: Größe "12,50 €" $HOME `x`\n' for n in range(5000))


def task(name: str, files: dict[str, bytes | str], **fields: Any) -> Task:
    return making.task(files, f"Please do {name}, and mind `$HOME` & <tags>.\nSecond line.", identity=digests.digest(name)[:12], **fields)


SAME = {
    "sums": (
        task("sums", {"in/paid.csv": "name,paid\nA,3\nB,4\n", ".skills/ledger/SKILL.md": SKILL}),
        [
            call("read", path=".skills/ledger/SKILL.md"),
            run(SUM),
            call("write", path="out.csv", content="a\n1\n2\n"),
        ],
    ),
    "letters": (
        task("letters", {"letter.txt": LETTER, "plain.txt": "one\ntwo\nthree", "keep.txt": "as it is\n"}),
        [
            call("read", path="letter.txt"),
            call(
                "edit",
                path="letter.txt",
                edits=[{"oldText": "Jörg,\nthe jam", "newText": "Ute,\nthe honey"}, {"oldText": "Yours", "newText": "Ours"}],
            ),
            call("edit", path="/workspace/plain.txt", edits=[{"oldText": "three", "newText": "drei"}]),
            call("edit", path="plain.txt", edits=[{"oldText": "not there", "newText": "x"}]),
            call("write", path="notes/long ü.md", content=LONG),
            call("write", path="empty.txt", content=""),
            call("write", path="keep.txt", content="as it is\n"),
        ],
    ),
    "commands": (
        task("commands", {"a.txt": "alpha\n", "sub/b.txt": "beta\n"}),
        [
            run("sleep 60; echo late > late.txt", timeoutSeconds=1),
            run("cat b.txt > ../c.txt; pwd", workdir="sub"),
            run("exit 3"),
            run("rm a.txt; ln -s sub/b.txt link; printf '#!/bin/sh\\n' > tool; chmod 755 tool; mkdir none"),
            call("write", path="/tmp/script.sh", content='echo "$1" > from-script.txt\n'),
            run("bash /tmp/script.sh said"),
            run("[[ a == a ]] && echo bash > shell.txt; id -u; umask"),
            call("nothing", of="the kind"),
            run("(sleep 1; echo background > background.txt) > /dev/null 2>&1 & sleep 3"),
        ],
    ),
    "sites": (
        task(
            "sites",
            {"a.txt": "x\n"},
            services=(Service("site", (file_of("index.html", "<h1>Käse</h1>".encode()), file_of("b/index.html", b"b"))),),
        ),
        [
            run(f"python3 -c \"import urllib.request as u; open('page.html', 'wb').write(u.urlopen('{SITE_URL}').read())\""),
            run(f"python3 -c \"import urllib.request as u; print(u.urlopen('{SITE_URL}b/').read())\" > b.txt"),
        ],
    ),
}
LOOK = f"""env > env.txt
key=$(echo {" ".join(SECRET[:12])} | tr -d ' ')
grep -rl -e "$key" /tmp /run /etc > files.txt 2> /dev/null
cat /proc/[0-9]*/environ 2> /dev/null | tr '\\0' '\\n' | grep -c -e "$key" > processes.txt
"""
FELL = "echo x > before.txt; pkill -9 -f '[o]penclaw'; sleep 5"
ENDS: dict[str, tuple[Task, list[Any], dict[str, int]]] = {
    "steps": (task("steps", {}), [run("echo x >> steps.txt")] * 20, {"steps": 3}),
    "time": (task("time", {}), [run("echo x > begun.txt; sleep 250; echo y > late.txt")], {"seconds": 15}),
    "felling": (task("felling", {}), [run(FELL)], {}),
    "broken": (task("broken", {}), [run("echo x > before.txt"), lambda: failing(401)], {}),
    "looking": (task("looking", {}), [run(LOOK)], {}),
    "filling": (
        task("filling", {}),
        [run("head -c 200M /dev/zero > /tmp/zero; echo x > x.txt"), call("write", path="y.txt", content="y")],
        {},
    ),
}
CASES = SAME | ENDS
BY_EXEC = ("sums", "letters", "steps", "felling", "broken")  # each costs a start of its own; the other way has all


def _rollouts(by: str, names: Iterable[str]) -> tuple[dict[str, Rollout], list[Any]]:
    """Rollouts of these cases, and the bodies of all requests."""
    cases = {name: CASES[name] for name in names}
    with playing({t.instruction: moves for t, moves, *_ in cases.values()}) as (agent, bodies):
        found = rolled_out([(t, rest[0] if rest else {}) for t, _, *rest in cases.values()], agent, harness(by))
    return {name: found[case[0].instruction] for name, case in cases.items()}, bodies


@pytest.fixture(scope="module")
def builtin() -> dict[str, Rollout]:
    return _rollouts("builtin", SAME)[0]


@pytest.fixture(scope="module")
def played() -> Callable[[str], tuple[dict[str, Rollout], list[Any]]]:
    """Rollouts and requests under OpenClaw, by its way: gateway | exec."""
    return functools.cache(lambda by: _rollouts(by, CASES if by == "gateway" else BY_EXEC))


def each(*names: str) -> Any:
    """These cases under both ways, as far as each has them."""
    return pytest.mark.parametrize(("by", "name"), [("gateway", n) for n in names] + [("exec", n) for n in names if n in BY_EXEC])


# The same under both harnesses


@each(*SAME)
def test_the_same_policy_leaves_the_same_workspace(by: str, name: str, played: Any, builtin: dict[str, Rollout]) -> None:
    one = played(by)[0][name]
    assert (one.status, one.limit, one.error) == ("completed", "", None)
    assert {c.path: c for c in one.changes} == {c.path: c for c in builtin[name].changes}
    assert one.usage.turns == builtin[name].usage.turns == len(SAME[name][1]) + 1
    assert one.usage.tool_calls == builtin[name].usage.tool_calls == len(SAME[name][1])


@each("sums")
def test_the_same_workspace_has_the_same_verdict(by: str, name: str, played: Any, builtin: dict[str, Rollout]) -> None:
    given = SAME[name][0]
    verifier = making.verifier([{"kind": "table", "params": making.TWO_ROWS}], given.id)
    graded = [grade.grade(given, verifier, one.changes) for one in (played(by)[0][name], builtin[name])]
    assert graded[0] == graded[1]
    assert graded[0].solved


@each("sums")
def test_what_passed_is_recorded_as_it_was(by: str, name: str, played: Any) -> None:
    one, task_ = played(by)[0][name], SAME[name][0]
    assert [m["role"] for m in one.messages] == ["system", "user", *["assistant", "tool"] * len(SAME[name][1]), "assistant"]
    assert task_.instruction in one.messages[1]["content"]
    assert sorted(tool["function"]["name"] for tool in one.tools) == ["edit", "exec", "read", "write"]
    assert (one.harness["name"], one.harness["version"], one.harness["by"]) == ("openclaw", openclaw.VERSION, by)
    assert one.harness["allowance"] == openclaw.ALLOWANCE
    for before, after in itertools.pairwise(one.calls):
        assert after.request["messages"][: len(before.request["messages"])] == before.request["messages"]


@each("sums")
def test_a_skill_is_offered_by_name_description_and_path(by: str, name: str, played: Any) -> None:
    system = played(by)[0][name].messages[0]["content"]
    (offered,) = re.findall("<available_skills>(.*?)</available_skills>", system, re.DOTALL)
    assert re.findall("<name>(.*?)</name>", offered) == ["ledger"]
    assert re.findall("<description>(.*?)</description>", offered) == ["Keeping a &quot;ledger&quot; &amp; what goes with it"]
    assert re.findall("<location>(.*?)</location>", offered) == ["/workspace/.skills/ledger/SKILL.md"]


@each("letters")
def test_no_skill_is_offered_where_there_is_none(by: str, name: str, played: Any) -> None:
    assert "<available_skills>" not in played(by)[0][name].messages[0]["content"]


@pytest.mark.parametrize("by", ["gateway", "exec"])
def test_nothing_crosses_between_rollouts(by: str, played: Any) -> None:
    """Each begins with its own instruction alone, and what it says holds no word of another's or of a rehearsal."""
    rollouts, bodies = played(by)
    instructions = [case[0].instruction for case in CASES.values()]
    for body in bodies:
        text = json.dumps(body, ensure_ascii=False)
        assert sum(json.dumps(i, ensure_ascii=False)[1:-1] in text for i in instructions) == 1
        assert "Get ready." not in text
    for one in rollouts.values():
        assert [m["role"] for m in one.messages[:2]] == ["system", "user"] and [m["role"] for m in one.messages].count("user") == 1


# How it ends


@each("steps")
def test_steps_end_it(by: str, name: str, played: Any) -> None:
    one = played(by)[0][name]
    assert (one.status, one.limit, one.error, one.usage.turns) == ("limit", "steps", None, 3)
    assert [(c.path, c.content) for c in one.changes] == [("steps.txt", b"x\nx\nx\n")]


@each("time")
def test_time_ends_it(by: str, name: str, played: Any) -> None:
    one = played(by)[0][name]
    assert (one.status, one.limit, one.error) == ("limit", "seconds", None)
    assert [c.path for c in one.changes] == ["begun.txt"]


@each("felling")
def test_an_agent_that_ends_its_own_harness_is_at_its_boxs_limit(by: str, name: str, played: Any) -> None:
    one = played(by)[0][name]
    assert (one.status, one.limit, one.error) == ("limit", "box", None)
    assert [c.path for c in one.changes] == ["before.txt"]


@each("broken")
def test_an_endpoint_that_fails_is_no_ones_score(by: str, name: str, played: Any) -> None:
    one = played(by)[0][name]
    assert (one.status, one.changes, one.usage.turns) == ("error", (), 1)
    assert one.error is not None and one.error.boundary == "endpoint" and "401" in one.error.message


@each("filling")
def test_a_disk_that_its_agent_fills_is_no_error(by: str, name: str, played: Any) -> None:
    one = played(by)[0][name]
    assert (one.status, one.error) in {("completed", None), ("limit", None)}
    assert "x.txt" in {c.path for c in one.changes}


@each("looking")
def test_no_key_is_inside(by: str, name: str, played: Any) -> None:
    one = played(by)[0][name]
    left = {c.path: (c.content or b"").decode() for c in one.changes}
    assert one.status == "completed"
    assert left["files.txt"] == "" and left["processes.txt"] == "0\n"
    assert {line.partition("=")[0] for line in left["env.txt"].splitlines()} & {"OPENAI_API_KEY", "OPENCLAW_GATEWAY_TOKEN"} == set()
    assert SECRET not in repr(one)


@pytest.mark.parametrize("first_turn", [0, 1])
def test_a_harness_that_is_killed_from_outside_is_no_ones_score(first_turn: int) -> None:
    """Before its agent ran anything it is an error, which the runner tries again; after that it is tried again at once."""
    struck = []

    def strike() -> Response | Play:
        if struck:
            return Play("Done.")
        struck.extend(p for p in psutil.Process().children(recursive=True) if "openclaw" in " ".join(p.cmdline()))
        for process in struck:
            process.kill()
        return failing(503)  # nobody is there to hear it

    given = task("striking", {})
    moves = [strike, Play("Done.")] if first_turn == 0 else [run("echo x > a.txt"), strike]
    with playing({given.instruction: moves}) as (agent, _):
        one = rolled_out([(given, {})], agent, harness("exec", ahead=1))[given.instruction]
    assert struck
    if first_turn == 0:
        assert one.error is not None and one.error.boundary == "harness" and one.changes == ()
    else:
        assert (one.status, one.error, [c.path for c in one.changes]) == ("completed", None, ["a.txt"])


# What is refused


@pytest.mark.parametrize("settings", [{"by": "magic"}, {"behind": 2}])
def test_settings_that_it_does_not_know_are_the_users_to_mend(settings: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="not one of"):
        openclaw.program(settings)


def test_one_that_is_not_installed_says_how_to(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="make openclaw"):
        openclaw.program({}, tmp_path)
