"""Traces: one from a call of the API to the effects of its event, and what they cost where no collector answers."""

import asyncio
import logging

import pytest

from microblog_streams import traces
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.logs import context
from microblog_streams.metrics.store_calls import StoreCalls, measured
from microblog_streams.traces import event_span, in_span, request_span
from tests.support.collector import collecting
from tests.support.logged import logged
from tests.support.waiting import PATIENT_SECONDS, until

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
SECRET = "a very private text"


class Store:
    async def push(self, content):
        await asyncio.sleep(0)
        if content == "fail":
            raise StoreUnavailable("redis", "gone")


async def publish_and_apply(store):
    """What a request and its event do: returns the event's headers."""
    with request_span("POST /posts", TRACEPARENT, {"http.route": "/posts"}):
        await store.push(SECRET)
        headers = {name: text.encode() for name, text in context.event_headers().items()}
    with event_span("post.created", headers, lambda: {"messaging.kafka.offset": 3}):
        await in_span("fan_out", store.push(SECRET))
    return headers


@pytest.fixture
def store():
    return measured(StoreCalls(), "redis", "timelines", Store())


@pytest.fixture
def collector(monkeypatch):
    with collecting() as collector:
        for name, value in collector.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(traces, "FLUSH_SECONDS", PATIENT_SECONDS)
        yield collector


@pytest.fixture
async def turned_on(collector):
    traces.start("w1")
    yield
    await traces.stop()


async def test_one_trace_from_the_caller_over_the_request_to_the_effects(turned_on, collector, store):
    await publish_and_apply(store)
    await until(lambda: len(collector.spans) == 5)

    (request,), (event,), (fan_out,) = map(collector.named, ("POST /posts", "process post.created", "fan_out"))
    pushes = {span.parent for span in collector.named("redis timelines.push")}
    assert {span.trace for span in collector.spans} == {TRACE}
    assert request.parent == CALLER
    assert event.parent == request.ident
    assert fan_out.parent == event.ident
    assert pushes == {request.ident, fan_out.ident}
    assert (request.service, request.worker) == ("microblog-streams", "w1")
    assert event.attributes == {"messaging.kafka.offset": 3}


async def test_without_a_caller_a_trace_begins(turned_on, collector):
    with request_span("GET /users/{user}", {}, {}):
        pass
    await until(lambda: collector.spans)

    assert collector.spans[0].parent == ""


async def test_a_failure_is_named_by_its_class_alone(turned_on, collector, store):
    with pytest.raises(StoreUnavailable), request_span("POST /posts", {}, {}):
        await store.push("fail")
    with pytest.raises(ValueError, match=SECRET), request_span("POST /posts", {}, {}):
        raise ValueError(SECRET)
    await until(lambda: len(collector.spans) == 3)

    errors = [span.attributes["error.type"] for span in collector.spans]
    assert sorted(errors) == ["StoreUnavailable", "StoreUnavailable", "ValueError"]
    assert SECRET not in str(collector.spans)


async def test_a_store_that_is_called_outside_of_a_trace_makes_none(turned_on, collector, store):
    await store.push("")
    with request_span("last", {}, {}):
        pass
    await until(lambda: collector.spans)

    assert [span.name for span in collector.spans] == ["last"]


async def test_exemplars_name_the_trace_if_it_is_sampled(turned_on):
    assert traces.recorded_id() == {}
    with request_span("POST /posts", TRACEPARENT, {}):
        assert traces.recorded_id() == {"trace_id": TRACE}
    with request_span("POST /posts", {"traceparent": f"00-{TRACE}-{CALLER}-00"}, {}):
        assert traces.recorded_id() == {}


def test_exemplars_name_no_trace_while_traces_are_off():
    with request_span("POST /posts", TRACEPARENT, {}):
        assert traces.recorded_id() == {}


async def test_log_lines_name_the_trace(turned_on):
    with logged("a.part") as log, request_span("POST /posts", TRACEPARENT, {}):
        logging.getLogger("a.part").warning("slow")

    (line,) = log.lines()
    assert line["trace_id"] == TRACE
    assert len(line["span_id"]) == 16


async def test_the_standard_variables_sample_and_name_the_service(collector, store, monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    traces.start("w1")
    headers = await publish_and_apply(store)
    await traces.stop()
    assert headers["traceparent"].endswith(b"-00")

    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "ours")
    traces.start("w1")
    with request_span("last", {}, {}):
        pass
    await traces.stop()

    assert [(span.name, span.service) for span in collector.spans] == [("last", "ours")]


async def test_a_stop_sends_the_last_spans(collector, monkeypatch):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "600000")
    traces.start("w1")
    with request_span("last", {}, {}):
        pass

    await traces.stop()

    assert [span.name for span in collector.spans] == ["last"]


async def test_a_dead_collector_fails_nothing_and_is_a_warning(store, monkeypatch):
    monkeypatch.setattr(traces, "FLUSH_SECONDS", 0.05)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    traces.start("w1")
    with logged("opentelemetry", "WARNING") as log:
        await publish_and_apply(store)
        await until(lambda: log.lines())
        await traces.stop()

    assert log.lines()[0]["logger"].startswith("opentelemetry")


async def test_while_off_nothing_is_made(store):
    work = store.push("")

    assert in_span("push", work) is work
    assert event_span("t", TRACEPARENT, dict) is event_span("t", TRACEPARENT, dict)
    assert (traces.headers(), traces.ids()) == ({}, {})
    await work


def test_another_protocol_is_refused(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(SetupError, match="OTEL_EXPORTER_OTLP_PROTOCOL is grpc"):
        traces.check_installed()


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(traces, "find_spec", lambda name: None)
    with pytest.raises(SetupError, match=r"microblog-streams\[traces\]"):
        traces.check_installed()
