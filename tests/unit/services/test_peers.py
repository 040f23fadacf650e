"""How one worker asks another: bounded in time, and never further than where the other said that it is."""

import asyncio
from types import SimpleNamespace

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from aiohttp.web import Application, HTTPFound, Response

from microblog_streams.cluster_status.worker_client import WorkerClient
from microblog_streams.domain.errors import WorkerUnavailable
from microblog_streams.logs.context import request_id


@pytest.fixture
async def other():
    asked, over = [], asyncio.Event()

    async def answer(request):
        asked.append(request)
        if request.path == "/away":
            raise HTTPFound("/elsewhere")
        if request.path == "/silent":
            await over.wait()
        return Response(text="told", status=201)

    web = Application()
    web.router.add_get("/{path}", answer)
    async with TestServer(web) as server, ClientSession() as session:
        yield SimpleNamespace(url=str(server.make_url("/")), asked=asked, peers=WorkerClient(lambda: session))
        over.set()


async def test_what_it_answers_is_returned(other):
    answer = await other.peers.ask(other.url + "a", {"Accept": "text/html"})

    assert (answer.status, answer.body) == (201, b"told")
    assert other.asked[0].headers["Accept"] == "text/html"


async def test_its_log_lines_name_the_same_request(other):
    request_id.set("r-1")

    await other.peers.ask(other.url + "a", {})

    assert other.asked[0].headers["X-Request-ID"] == "r-1"


async def test_a_redirect_is_not_followed(other):
    answer = await other.peers.ask(other.url + "away", {"Authorization": "Bearer a"})

    assert answer.status == 302
    assert len(other.asked) == 1


async def test_silence_is_not_waited_for(other):
    with pytest.raises(WorkerUnavailable, match=r"no answer from .*/silent within 0.05 s"):
        await other.peers.ask(other.url + "silent", {}, seconds=0.05)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://127.0.0.1:99999/", "nonsense", "javascript:alert(1)", ""]
)
async def test_an_address_that_leads_nowhere_is_a_worker_that_does_not_answer(other, url):
    with pytest.raises(WorkerUnavailable, match="no answer from"):
        await other.peers.ask(url, {})
