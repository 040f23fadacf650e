"""The headers of every response, whichever layer makes it."""

import pytest

from web.server.limits import Limits

TOKEN = b"Authorization: Bearer correct-horse-battery-staple\r\n"
ANSWERS = {
    "a view": b"GET /users/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "no view": b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method": b"PUT /users/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "options": b"OPTIONS /users/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a page of Faust's": b"GET /table/ HTTP/1.1\r\nHost: a\r\n" + TOKEN + b"\r\n",
    "an expectation": b"GET /users/ HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n",
    "no HTTP": b"hello\r\n\r\n",
    "a slow head": b"GET /",
}


@pytest.mark.parametrize("data", ANSWERS.values(), ids=ANSWERS.keys())
async def test_no_answer_names_versions_or_lets_a_browser_guess(make_front, connect, data):
    front = await make_front(limits=Limits(head_seconds=0.3) if data == ANSWERS["a slow head"] else Limits())
    connection = await connect(front)

    connection.send(data)

    answer = await connection.answer()
    assert (answer.headers["Server"], answer.headers["X-Content-Type-Options"]) == ("microblog", "nosniff")


async def test_neither_does_one_to_a_connection_that_is_refused(make_front, connect):
    front = await make_front(limits=Limits(connections_per_address=1))
    await connect(front)

    refused = await connect(front)
    refused.send(ANSWERS["a view"])
    answer = await refused.answer()

    assert (answer.headers["Server"], answer.headers["X-Content-Type-Options"]) == ("microblog", "nosniff")


async def test_what_a_middleware_lets_through_is_a_problem_without_a_word_of_it(front, connect, monkeypatch, caplog):
    async def broken(request):
        raise ValueError("a secret")

    monkeypatch.setattr(front.app.web._runner.server, "request_handler", broken)
    connection = await connect(front)

    connection.send(ANSWERS["a view"])

    answer = await connection.answer()
    assert (answer.status, answer.problem["type"]) == (500, "/problems/internal")
    assert answer.headers["Server"] == "microblog"
    assert answer.headers["X-Request-ID"] == answer.problem["requestId"] != ""
    assert b"secret" not in answer.body
    assert "request_failed" in caplog.text
