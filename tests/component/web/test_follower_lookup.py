"""Rows of the followers table, looked up with the admin token."""

from datetime import UTC, datetime

import pytest
from aiohttp.web import json_response
from faust.exceptions import SameNode

from microblog_streams.domain.errors import WorkerUnavailable
from microblog_streams.ports import Row

OPEN = {"Authorization": "Bearer correct-horse-battery-staple"}
AT = datetime(2026, 5, 17, 12, 0, tzinfo=UTC)


class Router:
    """Finds every row here, unless ``answer`` is what another worker says, or raises."""

    def __init__(self):
        self.answer = SameNode()

    async def route_req(self, table, key, web, request):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def app(front):
    front.app.router = Router()
    return front.app


@pytest.fixture
def get(app, client):
    async def get(path, **headers):
        return await client.get(path, headers=OPEN | headers)

    return get


@pytest.fixture
def rows(app):
    return app.rows.followers.rows


async def test_an_edge_is_its_row(get, rows):
    rows[7, 8] = Row(3, True, AT)

    response = await get("/admin/edges/7:8")

    assert response.status == 200
    assert await response.json() == {
        "authorId": 7,
        "authorDeleted": False,
        "partition": 7,
        "worker": "w6066",
        "row": {"followerId": 8, "following": True, "version": 3, "changedAt": "2026-05-17T12:00:00.000Z"},
    }


async def test_an_edge_that_never_was_is_not_found(get, rows, problem):
    rows[7, 8] = Row(3, True, AT)

    document = await problem(await get("/admin/edges/8:7"), 404, "not-found")

    assert document["detail"] == "There is no edge 8:7."


@pytest.mark.parametrize(
    ("edge", "field"),
    [("7", "edge"), ("7:", "followerId"), (":8", "authorId"), ("7:8:9", "followerId"), ("0:8", "authorId")],
)
async def test_what_is_no_edge_is_told_so(get, app, problem, edge, field):
    await problem(await get(f"/admin/edges/{edge}"), 400, "invalid", field)


async def test_an_author_s_rows_come_in_pages(get, rows):
    for follower in (5, 3, 9):
        rows[7, follower] = Row(follower, follower != 5, AT)
    rows[8, 1] = Row(1, True, AT)

    first = await get("/admin/followers/7?limit=2")
    page = await first.json()
    second = await (await get(page["next"])).json()

    assert [(row["followerId"], row["following"]) for row in page["rows"]] == [(3, True), (5, False)]
    assert first.headers["Link"] == f'<{page["next"]}>; rel="next"'
    assert [row["followerId"] for row in second["rows"]] == [9]
    assert second["next"] is None


async def test_a_deleted_author_is_flagged(get, rows):
    rows[7, 0] = Row(1, True, AT)

    page = await (await get("/admin/followers/7")).json()

    assert (page["authorDeleted"], page["rows"]) == (True, [])


async def test_a_page_has_100_rows_by_default(get, rows):
    rows.update({(7, follower): Row(1, True, AT) for follower in range(1, 602)})

    assert len((await (await get("/admin/followers/7")).json())["rows"]) == 100
    assert len((await (await get("/admin/followers/7?limit=500")).json())["rows"]) == 500


@pytest.mark.parametrize(
    ("query", "field"), [("limit=501", "limit"), ("limit=0", "limit"), ("cursor=x", "cursor"), ("cursor=", "cursor")]
)
async def test_a_bad_page_is_refused(get, app, problem, query, field):
    await problem(await get(f"/admin/followers/7?{query}"), 400, "invalid", field)


async def test_another_author_s_cursor_is_refused(get, rows, problem):
    rows[7, 1] = rows[7, 2] = Row(1, True, AT)
    page = await (await get("/admin/followers/7?limit=1")).json()

    await problem(await get(page["next"].replace("/7?", "/8?")), 400, "invalid", "cursor")


@pytest.mark.parametrize("path", ["/admin/edges/7:8", "/admin/followers/7"])
async def test_a_row_of_another_worker_is_served_by_that_worker(get, app, path):
    app.router.answer = json_response({"worker": "w6067"})

    assert await (await get(path)).json() == {"worker": "w6067"}


@pytest.mark.parametrize("path", ["/admin/edges/7:8", "/admin/followers/7"])
async def test_a_partition_without_an_owner_is_a_503_that_says_so(get, app, problem, path):
    app.router.answer = WorkerUnavailable("No worker has partition 7 at the moment. Try again.")

    response = await get(path)

    assert (await problem(response, 503, "unavailable"))["detail"].startswith("No worker has partition 7 ")
    assert response.headers["Retry-After"] == "2"


@pytest.mark.parametrize("path", ["/admin/edges/7:8", "/admin/followers/7"])
async def test_a_partition_that_was_just_given_away_is_a_503_too(get, app, problem, path):
    app.rows.followers.closed = True

    assert "not open here" in (await problem(await get(path), 503, "unavailable"))["detail"]
