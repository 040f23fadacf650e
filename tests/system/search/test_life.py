"""One ``grep`` tells a post's life, from its request to the timelines and to the index; and it is one trace."""

import urllib.request

import pytest

from tests.support.collector import collecting
from tests.support.live.processes import make_workers

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TEXT = "a very private text"
#: The steps of an event that worker and indexer log, each for itself.
STEPS = ["event_consumed", "event_applied", "event_acknowledged"]


@pytest.fixture(scope="module")
def collector():
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def started(migrated, search_environment, collector):
    """A worker and an indexer, both at level DEBUG and with traces."""
    for make in make_workers(migrated):
        worker, indexer = make("living"), make("indexing-life", app="microblog_streams.search")
        for each in (worker, indexer):
            each.environment.update(search_environment, **collector.environment)
            each.start(LOG_LEVEL="DEBUG", TRACES="otlp")
        yield worker, indexer


@pytest.fixture(scope="module")
def pair(started, eventually):
    worker, indexer = started
    eventually(lambda: worker.well() and indexer.ready(), worker, indexer)
    return started


@pytest.fixture(scope="module")
def answer(pair, kafka, eventually):
    """The id of a post's request. The indexer has read all before it, so it is alone in its request to the engine."""
    worker, _ = pair
    author = worker.call("POST", "/users/", {"username": "whose_life"}).body["id"]
    ends = kafka.search_ends()
    eventually(lambda: kafka.search_reached(ends), *pair)
    request = urllib.request.Request(
        f"{worker.url}/posts/",
        data=f'{{"userId": {author}, "content": "{TEXT}"}}'.encode(),
        headers={"Content-Type": "application/json", "traceparent": f"00-{TRACE}-{CALLER}-01"},
    )
    with urllib.request.urlopen(request, timeout=20) as made:
        yield made.headers["X-Request-ID"]


def lines(word, worker):
    return [line for line in worker.logged() if word in str(line)]


def test_a_posts_life_is_found_by_its_request_up_to_the_index(pair, answer, eventually):
    worker, indexer = pair
    eventually(lambda: all("event_acknowledged" in str(lines(answer, each)) for each in pair), *pair)

    served, indexed = lines(answer, worker), lines(answer, indexer)
    assert [line["event"] for line in indexed] == ["event_consumed", "post_indexed", *STEPS[1:]]
    assert [line["event"] for line in served if line["event"] in STEPS] == STEPS
    fields = ("event_id", "topic", "partition", "offset", "request_id")
    (pushed,) = [line for line in served if line["event"] == "timelines_pushed"]
    assert {tuple(line[field] for field in fields) for line in indexed[:3]} == {
        tuple(pushed[field] for field in fields)
    }
    assert {line.get("trace_id") for line in indexed[1:3]} == {pushed["trace_id"]}
    assert indexed[1]["seconds"] > 0
    assert TEXT not in indexer.log.read_text()


def test_the_way_into_the_index_is_a_part_of_the_posts_trace(pair, answer, collector, eventually):
    _, indexer = pair

    def whole():
        """Return the spans, once the request to the engine is among them: it may end after what waits for it."""
        spans = {span.ident: span for span in collector.of_trace(TRACE)}
        names = {span.name for span in spans.values()}
        parents = {spans[span.parent].name for span in spans.values() if span.parent in spans}
        return spans if {"index", "fan_out"} <= names and "index" in parents else None

    eventually(whole, *pair)

    spans = whole()
    (index,) = [span for span in spans.values() if span.name == "index"]
    consumed = spans[index.parent]
    assert (consumed.name, spans[consumed.parent].name) == ("process post.created", "POST /posts")
    assert {index.worker, consumed.worker} == {indexer.name}
    assert [span.worker for span in spans.values() if span.parent == index.ident] == [indexer.name]
    assert TEXT not in str(collector.spans)
