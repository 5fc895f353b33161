"""Keys of endpoints: they go into the header of requests, and nowhere else, whatever the endpoint says."""

from __future__ import annotations

import pytest
from endpoint_making import Body, Script, completion
from endpoint_making import endpoint as played_by
from proxy_making import MESSAGES, SAYING, SECRET, ask, chunk, failing, line_to, said, scripted_line, streaming
from starlette.responses import JSONResponse, Response

from sandbox import endpoint

EITHER_WAY = pytest.mark.parametrize("stream", [False, True])


def tells_the_key(body: Body) -> Response:
    return (
        said(chunk({"content": f"your key is {SECRET}"}), SAYING[3]) if body.get("stream") else JSONResponse(completion(f"it is {SECRET}"))
    )


@EITHER_WAY
def test_the_key_goes_into_the_header_and_nowhere_else(stream: bool) -> None:
    with scripted_line(tells_the_key) as (line, over, bodies):
        answer = ask(over, stream)
    assert SECRET not in answer.text + str(bodies) + repr(line.calls) + repr(vars(line))
    assert "[key]" in repr(line.calls)


@pytest.mark.parametrize(
    "script", [failing(401, f"bad key {SECRET}"), lambda body: Response(SECRET), lambda body: streaming([f"data: {SECRET}\n\n"])]
)
def test_the_key_is_not_in_a_failure(script: Script) -> None:
    with scripted_line(script) as (line, over, _):
        answer = ask(over, stream=True)
    assert line.error is not None
    assert SECRET not in line.error.message + answer.text


def test_a_key_that_no_header_may_have_is_not_told() -> None:
    with pytest.raises(Exception, match="key") as caught:
        endpoint.headers(f"{SECRET}\n")
    assert SECRET not in str(caught.value)


def test_the_endpoint_gets_the_key_and_no_header_of_the_client() -> None:
    theirs = {"Authorization": "Bearer box", "X-Box": "1", "Cookie": "a=b"}
    with (
        played_by(lambda body: JSONResponse(completion("Done."), headers={"Set-Cookie": "c=d"})) as played,
        line_to(played.url) as (_, over),
    ):
        for _ in range(2):
            over.post("/chat/completions", json={"messages": MESSAGES}, headers=theirs)
    for headers in played.headers:
        assert headers["authorization"] == f"Bearer {SECRET}"
        assert not {"x-box", "cookie"} & set(headers)
