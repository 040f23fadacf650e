"""The overview behind the admin token: HTML for people, JSON for programs, even if a store is unavailable."""

import re
from base64 import b64encode
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest

from microblog_streams.cluster_status.models import Report
from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.domain.errors import StoreUnavailable, WorkerUnavailable
from microblog_streams.domain.topics import SOURCES
from microblog_streams.stores.redis.worker_registry import Worker
from tests.support.fakes.system import ONE, REPORTS, STARTED, TWO, System, told

OPEN = {"Authorization": "Bearer correct-horse-battery-staple"}
BROWSER = OPEN | {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PATHS = ["/admin/", "/admin", "/admin/status.json", "/admin/worker", "/admin/worker/"]


@pytest.fixture
def system(front):
    system = System()
    front.app.status_collector = system.everywhere()
    front.app.local_status = SimpleNamespace(report=lambda: told(REPORTS["w1"]))
    return system


@pytest.fixture
def get(system, client):
    async def get(path="/admin/", headers=OPEN):
        return await client.get(path, headers=headers)

    return get


@pytest.fixture
def status(get):
    async def status():
        response = await get("/admin/status.json")
        assert response.status == 200
        return await response.json()

    return status


class Text(HTMLParser):
    """The text of a page, and the names of its elements; fails on one that is not closed."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data + " "


@pytest.fixture
def read(get):
    """The page as a person reads it: its text, spaces made one."""

    async def read():
        response = await get(headers=BROWSER)
        assert (response.status, response.content_type) == (200, "text/html")
        return " ".join(Text(await response.text()).text.split())

    return read


async def test_the_page_tells_what_there_is(read):
    text = await read()

    assert re.search(r"w1 ok both 0-1 5 3 h \d+ min 1 http://127\.0\.0\.1:6066", text)
    assert "w2 degraded both 2 0 - 1 http://127.0.0.1:6067" in text
    assert "0 w1 1,200 3.0 MiB 0 0 0 0 0 0" in text
    assert "3 none - - 3 3 3 3 3 3" in text
    assert "Events not yet delivered 36" in text
    assert "Changes in the outbox 3 the oldest is 1 min old" in text
    assert "Dead letters open 0" in text
    assert "Warm timelines about 12,000 estimated from 400 keys" in text


async def test_the_page_says_first_what_is_wrong(read):
    text = await read()

    assert "Something is wrong w2: redis: away no worker has these partitions of topic set 1: 3" in text
    assert "Warnings dead letters: 2 open" in text


async def test_the_page_says_that_all_is_well(read, system):
    system.workers, system.deployment = [], Deployment(1, 2)

    text = await read()

    assert "All is well." in text
    assert "wrong" not in text


async def test_programs_get_the_same_as_json(status):
    answer = await status()

    assert datetime.fromisoformat(answer["at"]).tzinfo is not None
    assert (answer["worker"], answer["phase"], answer["away"]) == ("w1", "settled", {})
    assert answer["workers"][0] == {
        "name": "w1",
        "url": "http://127.0.0.1:6066",
        "roles": "both",
        "generation": 1,
        "since": STARTED.isoformat().replace("+00:00", "Z"),
        "partitions": [0, 1],
        "state": "ok",
        "problems": [],
        "warnings": [],
        "unacked": 5,
    }
    assert answer["partitions"][2] == {
        "generation": 1,
        "partition": 2,
        "owners": ["w2"],
        "rows": 7,
        "bytes": 2048,
        "lag": dict.fromkeys(SOURCES, 2),
    }
    assert answer["outbox"] == {"depth": 3, "oldestSeconds": 65.0}
    assert answer["timelines"] == {"warm": 12_345, "exact": False, "lookedAt": 400}
    assert answer["deadLettersOpen"] == 0
    assert answer["problems"] == ["w2: redis: away"]


async def test_a_worker_reports_its_status(get):
    assert await (await get("/admin/worker")).json() == {
        "worker": "w1",
        "problems": [],
        "warnings": [],
        "unacked": 5,
        "sizes": [{"partition": 0, "rows": 1200, "bytes": 3145728}, {"partition": 1, "rows": 0, "bytes": 100}],
    }


@pytest.mark.parametrize("name", ["lags", "outbox", "timelines"])
@pytest.mark.parametrize("reason", [StoreUnavailable("redis", "the test says so"), ValueError("a mistake"), ...])
async def test_a_part_that_is_away_is_named_and_the_rest_is_there(status, read, system, name, reason):
    setattr(system, name, reason)

    answer, text = await status(), await read()

    assert list(answer["away"]) == ["lag" if name == "lags" else name]
    assert "a mistake" not in str(answer["away"])
    assert answer["workers"][0]["state"] == "ok"
    assert "unknown; " in text


async def test_everything_may_be_away(status, read, system):
    away = StoreUnavailable("kafka", "gone")
    system.lags = system.outbox = system.timelines = away
    system.letters = None
    system.reports = {"w1": ..., "w2": away}

    answer, text = await status(), await read()

    assert list(answer["away"]) == ["lag", "outbox", "timelines", "deadLetters"]
    assert [worker["state"] for worker in answer["workers"]] == ["away", "away"]
    assert [line["lag"] for line in answer["partitions"]] == [None] * 4
    assert "Events not yet delivered - " in text
    assert "Dead letters open - " in text


async def test_a_worker_that_does_not_answer_is_shown_with_the_reason(status, read, system):
    system.reports["w2"] = WorkerUnavailable("no answer from http://127.0.0.1:6067 within 1.5 s")

    answer, text = await status(), await read()

    assert answer["workers"][1]["state"] == "away"
    assert answer["problems"] == ["w2: no answer from http://127.0.0.1:6067 within 1.5 s"]
    assert (answer["partitions"][2]["owners"], answer["partitions"][2]["rows"]) == (["w2"], None)
    assert "w2 away both 2 - - 1 http://127.0.0.1:6067" in text


async def test_this_worker_is_there_while_redis_has_not_told_of_it(status, system):
    system.workers = []

    assert [worker["name"] for worker in (await status())["workers"]] == ["w1"]


async def test_two_that_claim_a_partition_are_both_shown(status, system):
    system.workers = [ONE, replace(TWO, partitions=(1, 2))]

    assert (await status())["partitions"][1]["owners"] == ["w1", "w2"]


async def test_both_generations_are_shown_while_partitions_are_grown(status, read, system):
    system.deployment = Deployment(1, 2, 0, Phase.FILLED, 2, 3)
    system.workers = [ONE, replace(TWO, generation=2)]
    system.lags = {(topic + suffix, part): 0 for topic in SOURCES for suffix in ("", ".g2") for part in range(3)}

    answer, text = await status(), await read()

    assert [(line["generation"], line["partition"]) for line in answer["partitions"]] == [
        (1, 0), (1, 1), (2, 0), (2, 1), (2, 2),
    ]  # fmt: skip
    assert "repartition in progress: filled" in text


EVIL = "<script>alert(1)</script>\"'&lt;"


async def test_whatever_a_worker_tells_is_text(get, read, system):
    system.workers = [ONE, Worker(EVIL, "javascript:alert(1)", EVIL, (2,), 1)]
    system.reports[EVIL] = Report(EVIL, (EVIL,), (EVIL,), 0, ())
    system.lags = StoreUnavailable("kafka", EVIL)

    page = Text(await (await get(headers=BROWSER)).text())

    assert page.tags.isdisjoint({"script", "a", "img", "iframe", "form"})
    assert page.text.count(EVIL) == 7


async def test_the_page_may_load_and_run_nothing(get):
    headers = (await get(headers=BROWSER)).headers

    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


async def test_the_style_is_the_one_that_the_policy_names(get):
    response = await get(headers=BROWSER)

    [style] = re.findall("<style>(.*)</style>", await response.text(), re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}';" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("headers", "kind"), [(OPEN, "application/json"), (BROWSER, "text/html")])
async def test_the_form_is_the_one_that_the_caller_prefers(get, headers, kind):
    response = await get(headers=headers)

    assert response.content_type == kind
    assert "Accept" in ", ".join(response.headers.getall("Vary")).split(", ")


async def test_a_path_for_programs_is_json_whatever_is_accepted(get):
    assert (await get("/admin/status.json", headers=BROWSER)).content_type == "application/json"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", PATHS)
async def test_without_the_token_it_is_not_there(client, system, path, method):
    for headers in ({}, {"Authorization": "Basic OmNvcnJlY3QtaG9yc2UtYmF0dGVyeS1zdGFwbGU="}):
        response = await client.request(method, path, headers=headers)

        assert response.status == 404
        assert "WWW-Authenticate" not in response.headers


@pytest.mark.parametrize("path", PATHS)
async def test_head_is_get_without_a_body(client, system, path):
    response = await client.head(path, headers=BROWSER)

    assert response.status == 200
    assert await response.read() == b""


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_can_be_changed_there(client, system, path):
    assert (await client.post(path, headers=OPEN)).status == 405
