"""A worker serves on all addresses of its host, IPv4 and IPv6, and others reach it by the URL that it announces."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession
from yarl import URL

from microblog_streams.cluster_status.worker_client import WorkerClient
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import WorkerUnavailable
from tests.support.live.ports import free_port


@pytest.fixture
def serving(real_application, tmp_path):
    """Serve on a host; yield the app, and a client as other workers use it."""

    @asynccontextmanager
    async def serve(host):
        settings = Settings(_env_file=None, data_dir=tmp_path, web_host=host, web_port=free_port())
        settings.worker_dir.mkdir(parents=True)
        app = real_application(settings)
        await app.web.start_server()
        try:
            async with ClientSession() as session:
                yield app, WorkerClient(lambda: session)
        finally:
            await app.web.stop_server()

    return serve


async def answers(peers, url):
    try:
        return (await peers.ask(f"{url}/ready", {}, seconds=20)).status == 503  # it is there, and waits for the parts
    except WorkerUnavailable:
        return False


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "0.0.0.0", "::", "localhost"])
async def test_a_worker_can_be_reached_by_the_url_that_it_announces(serving, host):
    async with serving(host) as (app, peers):
        assert await answers(peers, app.itself().url)
        assert app.conf.canonical_url == URL(app.itself().url)


async def test_all_addresses_are_those_of_both_versions(serving):
    async with serving("::") as (app, peers):
        port = app.settings.web_port
        urls = [f"http://127.0.0.1:{port}", f"http://[::1]:{port}"]
        assert await asyncio.gather(*(answers(peers, url) for url in urls)) == [True, True]
