"""The real application's overview when no store can be reached."""

import asyncio
from time import monotonic

import pytest
from aiohttp.test_utils import TestClient, TestServer

from microblog_streams.config.settings import Settings

TOKEN = "correct-horse-battery-staple"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
#: The parts' time-out of two seconds, and some for a busy machine; one part after the other takes eight.
LONGEST_SECONDS = 7


@pytest.fixture
async def silent():
    """A server that takes connections and says nothing, as one that is frozen."""
    over = asyncio.Event()

    async def hold(reader, writer):
        await over.wait()
        writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1") as server:
        yield server.sockets[0].getsockname()[1]
        over.set()


@pytest.fixture
def ask(real_application, tmp_path):
    """Ask an application with this port for Kafka's; return the answer's JSON, and the seconds that it took."""

    async def ask(kafka):
        settings = Settings(admin_token=TOKEN, data_dir=tmp_path, kafka_url=f"kafka://127.0.0.1:{kafka}")
        settings.worker_dir.mkdir(parents=True)
        app = real_application(settings)
        async with TestClient(TestServer(app.web.web_app)) as client:
            for _ in range(3):  # the machine may stand still in one of them
                began = monotonic()
                response = await client.get("/admin/", headers=HEADERS)
                if (took := monotonic() - began) < LONGEST_SECONDS:
                    break
            return await response.json(), took

    return ask


@pytest.mark.parametrize("kind", ["gone", "silent"])
async def test_each_part_is_said_to_be_away_in_time(ask, silent, kind):
    page, took = await ask(9 if kind == "gone" else silent)

    assert set(page["away"]) == {"lag", "outbox", "timelines", "deadLetters"}
    [worker] = page["workers"]
    assert worker["state"] == "degraded"
    assert {problem.partition(":")[0] for problem in worker["problems"]} >= {"postgres", "cassandra", "redis", "kafka"}
    assert [line["owners"] for line in page["partitions"]] == [[]] * 8
    assert took < LONGEST_SECONDS
