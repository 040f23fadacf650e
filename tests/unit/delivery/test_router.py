"""A look-up goes to the partition that the producer writes to, and to the worker that has it now."""

from types import SimpleNamespace

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from aiohttp.web import Application
from aiohttp.web import Response as HttpResponse
from aiokafka.partitioner import DefaultPartitioner
from faust.exceptions import SameNode
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from yarl import URL

from microblog_streams.cluster_status.worker_client import WorkerClient
from microblog_streams.delivery.faust_patches.router import ROUTED, EdgeRouter, partition_of
from microblog_streams.domain.errors import WorkerUnavailable
from microblog_streams.domain.ids import MAX_USER_ID, encode_user
from microblog_streams.stores.redis.worker_registry import Worker


@given(user=st.integers(1, MAX_USER_ID), partitions=st.integers(1, 64))
def test_the_author_alone_decides_and_as_the_producer_would(user, partitions):
    everything = list(range(partitions))
    assert partition_of(encode_user(user), partitions) == DefaultPartitioner()(
        encode_user(user), everything, everything
    )


class App:
    """A worker that has the partitions ``mine``, and has heard of others."""

    def __init__(self, mine, *others, recovered=True):
        self.assignor = None
        self.conf = SimpleNamespace(topic_partitions=8)
        table = SimpleNamespace(key_serializer="edge")
        self.tables = type("Tables", (dict,), {"actives_ready": recovered})(followers=table)
        self.serializers = SimpleNamespace(dumps_key=lambda kind, key, serializer: encode_user(int(key)) + bytes(8))
        self._me = Worker("me", "http://127.0.0.1:1", "both", tuple(mine))
        everyone = [self._me, *others]
        self.worker_presence = SimpleNamespace(
            owner=lambda partition: next((worker for worker in everyone if partition in worker.partitions), None)
        )

    def itself(self):
        return self._me


EVERYTHING = tuple(range(8))
OTHER = Worker("other", "http://127.0.0.1:2", "both", EVERYTHING)


def router(app):
    app.router = EdgeRouter(app)
    return app.router


def owner(app):
    return router(app).key_store("followers", "7")


def test_what_a_worker_has_it_knows_for_itself():
    """Whatever was announced before the rebalance."""
    assert owner(App(EVERYTHING, OTHER)) == URL("http://127.0.0.1:1")


def test_what_another_has_is_asked_of_it():
    assert owner(App([], OTHER)) == URL("http://127.0.0.1:2")


@pytest.mark.parametrize("app", [App([]), App(EVERYTHING, recovered=False)])
def test_a_row_without_an_owner_yet_is_not_reported_missing(app):
    with pytest.raises(WorkerUnavailable, match="partition"):
        owner(app)


async def route(headers):
    request = SimpleNamespace(headers=headers, url=URL("http://127.0.0.1:1/table/followers/7:8/"))
    return await router(App([], OTHER)).route_req("followers", "7", None, request)


async def test_what_another_worker_sent_on_is_not_sent_any_further():
    with pytest.raises(WorkerUnavailable):
        await route({ROUTED: "1"})


async def test_what_is_here_is_answered_here():
    request = SimpleNamespace(headers={ROUTED: "1"}, url=None)
    with pytest.raises(SameNode):
        await router(App(EVERYTHING, OTHER)).route_req("followers", "7", None, request)


@pytest.fixture
async def other_worker():
    """Another worker, which remembers how it was asked."""
    asked = []

    async def answer(request):
        asked.append(request)
        headers = {"Link": "<next>", "X-Own": "1"}
        return HttpResponse(status=404, text="{}", content_type="application/problem+json", headers=headers)

    web = Application()
    web.router.add_get("/{path:.*}", answer)
    async with TestServer(web) as server, ClientSession() as session:
        yield SimpleNamespace(
            asked=asked, url=str(server.make_url("/")).rstrip("/"), peers=WorkerClient(lambda: session)
        )


async def send_on(other, headers=(), path="/admin/followers/7?limit=2", method="GET"):
    app = App([], Worker("other", other.url, "both", EVERYTHING))
    app.worker_client = other.peers
    request = SimpleNamespace(method=method, headers=CIMultiDict(headers), rel_url=URL(path))
    return await router(app).route_req("followers", "7", None, request)


async def test_the_owner_gets_the_path_the_token_and_the_mark_and_nothing_else(other_worker):
    headers = {"Authorization": "Bearer a", "Accept": "text/html", "Content-Length": "9", "Cookie": "c=d", "Host": "x"}

    await send_on(other_worker, headers)

    [asked] = other_worker.asked
    assert str(asked.rel_url) == "/admin/followers/7?limit=2"
    assert {**headers, ROUTED: "1"}.items() - asked.headers.items() == {
        ("Content-Length", "9"),
        ("Cookie", "c=d"),
        ("Host", "x"),
    }


async def test_the_owner_s_answer_comes_back(other_worker):
    answer = await send_on(other_worker)

    assert (answer.status, answer.body, answer.content_type) == (404, b"{}", "application/problem+json")
    assert answer.headers["Link"] == "<next>"
    assert "X-Own" not in answer.headers


async def test_head_stays_head(other_worker):
    await send_on(other_worker, method="HEAD")

    assert [asked.method for asked in other_worker.asked] == ["HEAD"]


async def test_an_owner_that_is_gone_is_a_worker_that_does_not_answer(other_worker):
    other_worker.url = "http://127.0.0.1:9"

    with pytest.raises(WorkerUnavailable, match=r"no answer from http://127\.0\.0\.1:9/admin/followers/7"):
        await send_on(other_worker)
