"""Asking over real HTTP: what goes wrong out there is tried again, counted, and never becomes words; nothing is asked twice."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rewording_making as made
import tinyspecs
from rewording_making import Answer, Body
from starlette.responses import JSONResponse, PlainTextResponse, Response

from generators.rewriting.exchange import Exchange, Settings, exchange
from generators.rewriting.tally import STAGE, Reworded
from specs import catalogue
from specs.asking import GIVE_UP, Account, Asker
from specs.endpoint import CallFailed, Endpoint
from specs.recorded import Records, write
from specs.store import Store

SETTINGS = Settings("some-model", 1, {"temperature": 0.5, "max_tokens": 900})
SECTION = {"concurrency": 4, "requests_per_minute": 60_000, "timeout_s": 5, "retries": 2}


def several(count: int) -> list[Any]:
    return [made.wording(f"{n:012x}", f"Ada here, stall {n + 100}. {made.OPENING}") for n in range(count)]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tinyspecs.tree(tmp_path))
    return tmp_path


@dataclasses.dataclass
class Ran(Account, Reworded):
    """An account of the calls and of the tasks."""


def run(url: str, count: int = 1, key: str | None = None, raises: bool = False, **section: Any) -> Ran:
    specs = catalogue.load()
    store, tally = Store(Path("store.sqlite")), Reworded()

    def exchanges() -> Iterator[tuple[str, Exchange]]:
        for one in several(count):
            yield one.id, exchange(specs, one, SETTINGS)

    merged = {**SECTION, "endpoint": url, **section}
    asker = Asker(STAGE, Endpoint(merged, key), Records(Path("recorded")), store, tally.book)
    try:
        asker.run(exchanges(), merged["concurrency"])
    except CallFailed:
        assert raises
    else:
        assert not raises
    finally:
        store.close()
    write(asker.account.responses, Path("recorded"))
    return Ran(**vars(tally), **vars(asker.account))


def recorded() -> dict[str, str]:
    return {p.name: p.read_text(encoding="utf-8") for p in sorted(Path("recorded").glob("*.jsonl"))}


def first(*answers: Callable[[Body], Answer]) -> Callable[[Body], Answer]:
    """A script that plays these answers once, one after the other, and is honest from then on."""
    left = list(answers)
    return lambda body: left.pop(0)(body) if left else made.honest(body)


def status(code: int, **headers: str) -> Callable[[Body], Answer]:
    return lambda _: JSONResponse({"error": {"message": "not now"}}, code, headers)


def test_a_good_rewrite_is_taken() -> None:
    with made.endpoint() as played:
        account = run(played.url)
    assert (account.asked, account.known, account.rewritten) == (2, 0, 1)
    assert not account.refused and not account.failed
    assert [made.asks_names(b) for b in played.bodies] == [False, True]
    assert [b["model"] for b in played.bodies] == ["some-model"] * 2
    assert [(b["temperature"], b["max_tokens"], b["response_format"]["type"]) for b in played.bodies] == [
        (0.5, 900, "json_object"),
        (0, 900, "json_object"),
    ]


def lossy(change: Callable[[dict[str, Any]], Any]) -> Callable[[Body], Answer]:
    """A model that rewords honestly, but for one change."""

    def script(body: Body) -> Answer:
        if made.asks_names(body):
            return made.honest(body)
        new = made.rewrite(made.material(body))
        change(new)
        return json.dumps(new)

    return script


def _replace(old: str, other: str) -> Callable[[dict[str, Any]], Any]:
    def change(new: dict[str, Any]) -> None:
        assert old in json.dumps(new, ensure_ascii=False)
        for part in ("opening", "closing"):
            new[part] = new[part].replace(old, other)
        new["steps"] = [s.replace(old, other) for s in new["steps"]]
        new["quotes"] = {n: q.replace(old, other) for n, q in new["quotes"].items()}

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda new: new["quotes"].pop("3"), "lost-demand"),
        (_replace("`results/top.json`", "a file"), "lost-path"),
        (_replace(" in Ostend", ""), "lost-name"),
        (_replace("50 words", "a few words"), "lost-number"),
        (_replace("No hurry.", "No hurry, 3 days."), "added-number"),
        (lambda new: new["quotes"].update({"3": "the one that is worth the most stays"}), "quote-not-there"),
    ],
)
def test_a_loss_keeps_the_compiled_words(change: Callable[[dict[str, Any]], Any], reason: str) -> None:
    with made.endpoint(lossy(change)) as played:
        account = run(played.url)
    assert account.rewritten == 0 and dict(account.refused) == {reason: 1} and not account.failed
    assert not any(made.asks_names(b) for b in played.bodies)


def test_a_demand_turned_round_is_seen_by_the_second_call() -> None:
    """Every literal is kept, and `lowest` has become `highest`: only the second call can tell."""
    with made.endpoint(lossy(_replace("with the lowest sale no", "with the highest sale no"))) as played:
        account = run(played.url)
    assert dict(account.refused) == {"named-otherwise": 1} and made.asks_names(played.bodies[-1])


def test_a_second_call_that_names_another_demand_refuses() -> None:
    def script(body: Body) -> Answer:
        if not made.asks_names(body):
            return made.honest(body)
        named = made.name(made.material(body))
        labels = list(named.values())
        return json.dumps(dict(zip(named, [*labels[1:], labels[0]], strict=True)))

    with made.endpoint(script) as played:
        assert dict(run(played.url).refused) == {"named-otherwise": 1}


def test_a_refusal_is_recorded_and_not_asked_again() -> None:
    with made.endpoint(lambda _: JSONResponse(made.completion(None, refusal="I won't do that."))) as played:
        assert dict(run(played.url).refused) == {"declined": 1}
        again = run(played.url)
    assert dict(again.refused) == {"declined": 1} and (again.asked, again.known) == (0, 1)
    with made.endpoint(lambda _: "I'm sorry, but I can't help with that.") as played:
        Path("store.sqlite").unlink()
        [p.unlink() for p in Path("recorded").iterdir()]
        assert dict(run(played.url).refused) == {"not-json": 1}


def test_an_answer_that_is_cut_off_is_refused() -> None:
    with made.endpoint(lambda b: JSONResponse(made.completion(str(made.honest(b))[:500], finish="length"))) as played:
        assert dict(run(played.url).refused) == {"cut-off": 1}


def test_500_and_then_good_is_good() -> None:
    with made.endpoint(first(status(500), status(503))) as played:
        account = run(played.url)
    assert account.rewritten == 1 and account.asked == 2 and len(played.bodies) == 4


def test_429_waits_as_long_as_it_is_told() -> None:
    with made.endpoint(first(status(429, **{"retry-after": "1"}))) as played:
        assert run(played.url).rewritten == 1
    assert played.times[1] - played.times[0] >= 1


def test_429_for_good_is_a_failure_of_the_machinery() -> None:
    with made.endpoint(status(429, **{"retry-after": "0.01"})) as played:
        account = run(played.url)
    assert dict(account.failed) == {"rate-limit": 1} and len(played.bodies) == 3
    assert (account.rewritten, dict(account.refused), account.responses) == (0, {}, [])


def test_a_time_out_is_tried_again_and_then_counted() -> None:
    with made.endpoint(delay_s=1.5) as played:
        account = run(played.url, timeout_s=0.2, retries=1)
    assert dict(account.failed) == {"time-out": 1} and not account.refused and len(played.bodies) == 2


@pytest.mark.parametrize(
    "answer",
    [
        Response("{not json", media_type="application/json"),
        PlainTextResponse("<html>a gateway says hello</html>"),
        JSONResponse({"choices": []}),
        JSONResponse({"choices": None}),
        JSONResponse([1, 2]),
        JSONResponse({"choices": [{"message": {"content": ["parts"]}}]}),
        JSONResponse({"choices": [{"message": None}]}),
        JSONResponse({"choices": ["x"]}),
        JSONResponse({"choices": [{"message": {"content": 5}}], "usage": {"prompt_tokens": "many"}}),
        JSONResponse(made.completion("x" * 300_000)),
    ],
)
def test_a_broken_response_is_the_machinerys_fault(answer: Response) -> None:
    with made.endpoint(lambda _: answer) as played:
        account = run(played.url, retries=0)
    assert sum(account.failed.values()) == 1 and not account.refused and not account.responses, account


def test_one_failing_task_does_not_stop_the_others() -> None:
    def script(body: Body) -> Answer:
        about = made.material(body)
        return JSONResponse({"error": {"message": "too long"}}, 400) if "stall 102" in about.get("opening", "") else made.honest(body)

    with made.endpoint(script) as played:
        account = run(played.url, 4)
        assert account.rewritten == 3 and dict(account.failed) == {"http-400": 1}
        played.script = made.honest
        again = run(played.url, 4)
    assert again.rewritten == 4 and again.asked == 2


@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_wrong_key_or_model_stops_the_run_at_once(code: int) -> None:
    with made.endpoint(status(code)) as played:
        account = run(played.url, 20, raises=True, concurrency=1)
    assert len(played.bodies) == 1 and sum(account.failed.values()) == 1


def test_an_endpoint_that_is_gone_is_given_up() -> None:
    account = run("http://127.0.0.1:9/v1", 30, raises=True, retries=0, concurrency=1)
    assert dict(account.failed) == {"connection": GIVE_UP}


def test_an_endpoint_that_does_not_know_response_format_is_asked_without() -> None:
    def script(body: Body) -> Answer:
        if "response_format" in body:
            return JSONResponse({"error": {"message": "response_format is not supported"}}, 400)
        return made.honest(body)

    with made.endpoint(script) as played:
        assert run(played.url, 2, concurrency=1).rewritten == 2
    assert ["response_format" in b for b in played.bodies] == [True, False, False, False, False]


def test_nothing_is_asked_twice_and_the_bytes_stay() -> None:
    with made.endpoint() as played:
        account = run(played.url, 5)
        before = recorded()
    Path("store.sqlite").unlink()
    again = run("http://127.0.0.1:9/v1", 5)
    assert (account.asked, again.asked, again.known, again.rewritten) == (10, 0, 10, 5)
    assert recorded() == before and sum(text.count("\n") for text in before.values()) == 10


def test_the_store_keeps_what_was_answered_before_a_kill() -> None:
    """Killed for good in the middle: what was answered by then is not asked for again."""
    ready = threading.Event()

    def script(body: Body) -> Answer:
        if len(played.bodies) > 4:
            ready.set()
            time.sleep(0.05)
        return made.honest(body)

    code = (
        "import sys; sys.path[:0] = [sys.argv[2], sys.argv[2] + '/tests']\n"
        "import test_generators_rewriting_asking as t\n"
        "t.run(sys.argv[1], 12, concurrency=1)\n"
    )
    with made.endpoint(script) as played:
        victim = subprocess.Popen([sys.executable, "-c", code, played.url, str(tinyspecs.REPOSITORY)], env={**os.environ})
        assert ready.wait(60)
        victim.kill()
        victim.wait()
        asked = len(played.bodies)
        account = run(played.url, 12)
    assert account.known >= asked - 1 and account.known + account.asked == 24 and account.rewritten == 12


def test_one_at_a_time_and_four_at_a_time_record_the_same_bytes() -> None:
    found = []
    for concurrency in (1, 4):
        for path in [*Path("recorded").glob("*"), *Path().glob("store.sqlite*")]:
            path.unlink()
        with made.endpoint(delay_s=0.05) as played:
            run(played.url, 12, concurrency=concurrency)
        assert played.most_open == 1 if concurrency == 1 else 1 < played.most_open <= concurrency
        found.append(recorded())
    assert found[0] == found[1]


def test_requests_leave_no_faster_than_the_rate_allows() -> None:
    with made.endpoint(first(status(500))) as played:
        run(played.url, 3, requests_per_minute=1200)
    assert len(played.times) == 7 and max(played.times) - min(played.times) >= 6 * 0.05 - 0.03


def test_the_key_is_sent_and_occurs_nowhere_else() -> None:
    secret = "sk-very-secret"  # a server may send back what it got

    def script(body: Body) -> Answer:
        return JSONResponse(made.completion(f"your key is {secret}"))

    with made.endpoint(script) as played:
        account = run(played.url, key=secret)
    assert played.headers[0]["authorization"] == f"Bearer {secret}"
    assert account.responses[0].reply.text == "your key is [key]" and secret not in "".join(recorded().values())
    assert secret.encode() not in Path("store.sqlite").read_bytes()
    with made.endpoint(lambda _: JSONResponse({"error": {"message": f"bad key {secret}"}}, 401)) as played:
        with pytest.raises(CallFailed) as caught:
            reached = Endpoint({**SECTION, "endpoint": played.url}, secret)
            asker = Asker(STAGE, reached, Records(Path("none")), Store(Path("other.sqlite")), Reworded().book)
            specs = catalogue.load()
            asker.run(iter([("0" * 12, exchange(specs, made.wording(), SETTINGS))]), 1)
    assert secret not in str(caught.value)


def test_without_a_key_no_other_key_of_the_environment_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-for-somebody-else")
    with made.endpoint() as played:
        run(played.url)
    assert all("somebody-else" not in str(h) for h in played.headers)


def test_v1_is_added_to_a_url_without_a_path() -> None:
    with made.endpoint() as played:
        assert run(played.url.removesuffix("/v1")).rewritten == 1


def test_the_account_has_the_same_figures_however_the_answers_come() -> None:
    with made.endpoint() as played:
        one = run(played.url, 3)
    assert dataclasses.asdict(run("http://127.0.0.1:9/v1", 3))["refused"] == dict(one.refused)
