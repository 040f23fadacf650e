"""One connected trace, from a caller's span over the request to the pushes on another worker."""

import urllib.request

import pytest

from tests.support.collector import collecting

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TEXT = "a very private text"


@pytest.fixture(scope="module")
def collector():
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def two(module_workers, collector, eventually):
    """A worker that serves REST and one that consumes events, both with traces."""

    def start(role):
        worker = module_workers()
        worker.environment = {**worker.environment, **collector.environment}
        return worker.start(ROLES=role, TRACES="otlp")

    streams, web = start("streams"), start("web")
    eventually(lambda: web.ready() and streams.well(), web, streams)
    return web, streams


@pytest.fixture(scope="module")
def author(two, people, kafka, eventually):
    """An author with a follower who has a timeline."""
    web, streams = two
    author, follower = people.register(web), people.register(web)
    people.follow(web, follower, author)
    eventually(lambda: kafka.all_applied(web), web, streams)
    people.timeline(web, follower)
    return author


def test_a_post_is_one_trace_from_the_caller_to_the_last_push(two, author, collector, eventually):
    web, streams = two
    token = web.environment["MICROBLOG_ADMIN_TOKEN"]
    request = urllib.request.Request(
        f"{web.url}/posts/",
        data=f'{{"userId": {author}, "content": "{TEXT}"}}'.encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Bearer {token}",
            "traceparent": f"00-{TRACE}-{CALLER}-01",
        },
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 201

    pushed = "redis timelines.push"
    expected = {"POST /posts", "kafka publisher.publish", "process post.created", "fan_out", pushed}

    def complete():
        """Return whether all are there. A span is sent after those below it, perhaps in another batch."""
        found = {span.ident: span for span in collector.of_trace(TRACE)}
        missing = {span.parent for span in found.values()} - {*found, CALLER}
        return not missing and expected <= {span.name for span in found.values()}

    # Every span is below another one of the trace, up to the caller's.
    eventually(complete, *two)

    spans = {span.ident: span for span in collector.of_trace(TRACE)}
    assert CALLER in {span.parent for span in spans.values()}
    (fan_out,) = [span for span in spans.values() if span.name == "fan_out"]
    assert spans[fan_out.parent].name == "process post.created"
    assert spans[spans[fan_out.parent].parent].name == "POST /posts"
    assert {span.worker for span in spans.values()} == {web.name, streams.name}
    assert pushed in [span.name for span in spans.values() if span.parent == fan_out.ident]
    assert TEXT not in str(collector.spans)


def test_what_no_call_asked_for_makes_no_spans(two, collector):
    """Polls of the outbox, health checks and heartbeats."""
    assert all(span.parent or span.name.split()[0] in ("GET", "POST", "DELETE", "process") for span in collector.spans)
