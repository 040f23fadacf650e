"""Each call of the API is a span, below the caller's."""

import pytest

from microblog_streams import traces
from tests.support.collector import collecting
from tests.support.waiting import until

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = {"traceparent": f"00-{TRACE}-{CALLER}-01", "X-Request-ID": "mine"}


@pytest.fixture
async def collector(monkeypatch):
    with collecting() as collector:
        for name, value in collector.environment.items():
            monkeypatch.setenv(name, value)
        traces.start("w1")
        yield collector
        await traces.stop()


async def test_a_call_is_a_span_with_route_status_and_request(collector, make_front):
    front = await make_front(traces="otlp")
    await front.client.post("/posts/", json={"userId": 1, "content": "hello"}, headers=HEADERS)
    await until(lambda: collector.spans)

    (span,) = collector.spans
    assert (span.name, span.trace, span.parent) == ("POST /posts", TRACE, CALLER)
    assert span.attributes == {
        "http.request.method": "POST",
        "http.route": "/posts",
        "http.response.status_code": 201,
        "microblog.request_id": "mine",
    }
    (event,) = front.app.log.events
    assert event.headers["traceparent"] == f"00-{TRACE}-{span.ident}-01"


async def test_an_error_is_a_span_too_and_health_checks_are_none(collector, make_front):
    front = await make_front(traces="otlp")
    for path in ("/health", "/ready", "/metrics", "/nothing", "/users/abc"):
        await front.client.get(path)
    await until(lambda: collector.spans)

    (span,) = collector.spans
    assert (span.name, span.attributes["http.response.status_code"]) == ("GET /users/{user}", 400)


async def test_a_call_while_the_worker_ends_is_answered(make_front):
    front = await make_front(traces="otlp")

    assert (await front.client.get("/users/1")).status == 200


async def test_while_off_no_event_names_a_trace(front):
    await front.client.post("/posts/", json={"userId": 1, "content": "hello"}, headers=HEADERS)

    (event,) = front.app.log.events
    assert event.headers == {"schema": "1", "request-id": "mine"}
