"""gzip: from 1 KiB on, for clients that accept it, and never for an empty body."""

import gzip

import pytest
from aiohttp.test_utils import make_mocked_request

from web.http.responses import accepts_gzip


@pytest.fixture
def get(front):
    """Ask as it is said, and see what comes over the wire."""

    async def get(path, accepted, method="GET"):
        headers = {"Accept-Encoding": accepted} if accepted is not None else {}
        request = front.client.session.request
        url = front.client.make_url(path)
        return await request(method, url, headers=headers, auto_decompress=False, skip_auto_headers=["Accept-Encoding"])

    return get


@pytest.fixture
async def page(front):
    """A path whose page has more than 1 KiB."""
    for number in range(20):
        await front.client.post("/posts/", json={"userId": 1, "content": f"number {number}"})
    return "/users/1/posts"


async def test_a_page_is_compressed_for_clients_that_accept_it(get, page):
    plain, zipped = await get(page, None), await get(page, "gzip, deflate, br")

    assert ("Content-Encoding" in plain.headers, zipped.headers["Content-Encoding"]) == (False, "gzip")
    assert gzip.decompress(await zipped.read()) == await plain.read()
    assert int(zipped.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 2


@pytest.mark.parametrize(("content", "encoding"), [("a" * 500, None), ("\u674e" * 500, "gzip")])
async def test_1_kib_is_the_least(front, get, content, encoding):
    post = await front.client.post("/posts/", json={"userId": 1, "content": content})

    response = await get(post.headers["Location"], "gzip")

    assert response.headers.get("Content-Encoding") == encoding


async def test_caches_are_told_that_answers_differ(get, page):
    for accepted in (None, "gzip"):
        assert (await get(page, accepted)).headers["Vary"] == "Accept-Encoding"


async def test_head_has_the_content_length_of_get(get, page):
    got, head = await get(page, "gzip"), await get(page, "gzip", "HEAD")

    assert head.headers["Content-Encoding"] == "gzip"
    assert (head.headers["Content-Length"], await head.read()) == (got.headers["Content-Length"], b"")


@pytest.mark.parametrize(("method", "status"), [("DELETE", 204), ("OPTIONS", 204)])
async def test_no_body_is_not_compressed(get, method, status):
    response = await get("/users/1", "gzip", method)

    assert (response.status, "Content-Encoding" in response.headers) == (status, False)


async def test_a_long_error_is_compressed_too(front, get):
    response = await get("/users/?cursor=" + "x" * 20, "gzip")
    long = await front.client.post("/posts/", json={f"f{number}": number for number in range(30)})

    assert "Content-Encoding" not in response.headers
    assert (long.status, long.headers["Content-Encoding"]) == (400, "gzip")


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("br, gzip;q=0.5", True),
        ("deflate,gzip", True),
        ("*", True),
        ("gzip; q=0.001", True),
        ("", False),
        ("deflate", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("agzipped", False),
        (";;,,=", False),
    ],
)
def test_who_takes_gzip(accepted, taken):
    assert accepts_gzip(make_mocked_request("GET", "/", {"Accept-Encoding": accepted})) is taken
