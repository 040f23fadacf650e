"""Texts with a meaning in SQL, CQL, Redis, HTTP, file systems or logs are plain text, or refused."""

import copy
import logging
import re
from urllib.parse import quote

import pytest

JSON = {"Content-Type": "application/json"}
MARK = "X-Evil"

SQL = [
    "'; DROP TABLE users; --",
    "' OR '1'='1",
    "1; UPDATE users SET username = 'x'",
    "$$; SELECT pg_sleep(9) $$",
    "%s",
]
CQL = ["'); TRUNCATE posts_by_id; --", "'} AND token(id) > 0 ALLOW FILTERING", "{'a': 1} /* */"]
REDIS = ["*1\r\n$8\r\nFLUSHALL\r\n", "\r\nFLUSHALL\r\n", "FLUSHALL\n", "$-1", "timeline:1", '{"deleted":true}']
NASTY = SQL + CQL + REDIS
LINES = ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "a\r\n\r\nHTTP/1.1 200 OK\r\nX-Evil: 1", "a\u2028X-Evil: 1"]

REFUSED = [(400, "/problems/invalid"), (404, "/problems/unknown-path")]


@pytest.fixture
def everything(front):
    """Return all that the stores hold."""

    def look():
        database, stores = front.app.database, front.app.stores
        kept = (database.users, database.edges, stores.posts.posts, front.app.timelines.lists)
        return copy.deepcopy((kept, front.app.log.events))

    return look


@pytest.fixture
async def post(client):
    """The path of a post of ann's."""
    response = await client.post("/posts/", json={"userId": 1, "content": "hello"})
    return response.headers["Location"]


@pytest.fixture
def log(caplog):
    """All that is logged, at every level."""
    caplog.set_level(logging.DEBUG)
    return caplog


def forged(log):
    """Return the lines of the log that begin with a caller's text, as handlers would write them."""
    messages = [record.getMessage() for record in log.records]
    return [message for message in messages if re.search("[\r\n\x85\u2028\u2029]", message)]


@pytest.mark.parametrize("text", [text for text in NASTY if "\r" not in text])
async def test_a_post_is_its_text_and_nothing_else(client, front, text):
    response = await client.post("/posts/", json={"userId": 1, "content": text})

    path = response.headers["Location"]
    for page in ("/users/1/posts", "/timelines/1"):
        assert [post["content"] for post in await (await client.get(page)).json()] == [text]
    assert (await (await client.get(path)).json())["content"] == text
    assert len(front.app.database.users) == 3


@pytest.mark.parametrize("text", [text for text in NASTY if "\r" in text])
async def test_a_carriage_return_is_in_no_post(client, problem, everything, text):
    before = everything()

    await problem(await client.post("/posts/", json={"userId": 1, "content": text}), 400, "invalid", "content")

    assert everything() == before


@pytest.mark.parametrize("text", NASTY + LINES)
async def test_no_name_is_a_statement(client, problem, everything, text):
    before = everything()

    await problem(await client.post("/users/", json={"username": text}), 400, "invalid", "username")

    assert everything() == before


@pytest.mark.parametrize("name", ["--", "0x27", "DROP", "null", "admin--", "None", "__proto__", "..", "FLUSHALL"])
async def test_a_word_of_a_language_is_a_name_like_others(client, name):
    path = (await client.post("/users/", json={"username": name})).headers["Location"]

    assert (await (await client.get(path)).json())["username"] == name
    assert len(await (await client.get("/users/")).json()) == 4


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("path", ["/users/{}", "/users/{}/posts", "/timelines/{}", "/posts/{}", "/users/1/follow/{}"])
async def test_no_id_is_a_statement(client, everything, path, text):
    before, method = everything(), "DELETE" if "follow" in path else "GET"

    response = await client.request(method, path.format(quote(text, safe="")))

    # No path has braces, so with them there is nothing to be invalid.
    assert (response.status, (await response.json(content_type=None))["type"]) in REFUSED
    assert everything() == before


@pytest.mark.parametrize("text", NASTY + LINES)
@pytest.mark.parametrize("name", ["cursor", "limit"])
async def test_no_parameter_is_a_statement(client, problem, everything, name, text):
    before = everything()

    for path in ("/users/", "/users/1/followers", "/users/1/posts", "/timelines/1"):
        await problem(await client.get(path, params={name: text}), 400, "invalid", name)

    assert everything() == before


@pytest.mark.parametrize("text", NASTY)
async def test_an_unknown_parameter_does_nothing(client, post, text):
    response = await client.get("/timelines/1", params={text: text, "order": text})

    assert [each["content"] for each in await response.json()] == ["hello"]


@pytest.mark.parametrize(
    "key", ["'OR'1'='1", "';DROP/**/TABLE/**/users;--", "%27%20OR%201=1", "${jndi:x}", "%0d%0aX-Evil:1"]
)
async def test_a_key_is_a_key_and_matches_no_other(client, key):
    first = await client.post("/posts/", json={"userId": 1, "content": "one"}, headers={"Idempotency-Key": "other"})
    mine = [
        await client.post("/posts/", json={"userId": 1, "content": "two"}, headers={"Idempotency-Key": key})
        for _ in range(2)
    ]

    assert [response.status for response in mine] == [201, 201]
    assert mine[0].headers["Location"] == mine[1].headers["Location"] != first.headers["Location"]
    assert MARK not in mine[0].headers


@pytest.mark.parametrize("key", ["' OR 1=1; --", "a\tb", "a b", "\u00e4", '"', "a" * 256])
async def test_a_malformed_key_is_refused(client, problem, everything, key):
    before = everything()

    response = await client.post("/posts/", json={"userId": 1, "content": "a"}, headers={"Idempotency-Key": key})

    await problem(response, 400, "invalid", "Idempotency-Key")
    assert everything() == before


@pytest.mark.parametrize("text", LINES)
@pytest.mark.parametrize(
    "path", ["/timelines/1{}", "/timelines/{}", "/users/1/posts{}", "/users/{}/posts", "/nothing{}", "/posts/{}"]
)
async def test_a_path_makes_no_header(raw, path, text):
    answer = await raw(
        f"GET {path.format(quote(text, safe=''))} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
    )

    head, _, _ = answer.partition(b"\r\n\r\n")
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 "))
    assert answer.count(b"HTTP/1.1") == 1
    assert MARK.encode().lower() + b":" not in head.lower()


@pytest.mark.parametrize("header", ["Idempotency-Key", "X-Request-ID", "If-None-Match", "Origin", "Authorization"])
@pytest.mark.parametrize("value", [b"a\rX-Evil: 1", b"a\x00X-Evil: 1", b"a\r\n X-Evil: 1", b"a%0d%0aX-Evil: 1"])
async def test_a_header_makes_no_header(raw, header, value):
    answer = await raw(
        b"GET /timelines/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s: %s\r\n\r\n" % (header.encode(), value)
    )

    head, _, _ = answer.partition(b"\r\n\r\n")
    assert answer.startswith((b"HTTP/1.1 200 ", b"HTTP/1.0 400 ", b"HTTP/1.1 400 "))
    assert (answer.count(b"HTTP/1."), b"x-evil" in head.lower()) == (1, False)


@pytest.mark.parametrize(
    "path",
    [
        "/docs/..%2f",
        "/docs/..%2f..%2f..%2fetc/passwd",
        "/docs/%2e%2e/%2e%2e/etc/passwd",
        "/docs/....//....//etc/passwd",
        "/docs/..%5c..%5cetc%5cpasswd",
        "/docs/%252e%252e%252fetc/passwd",
        "/docs/%c0%ae%c0%ae/etc/passwd",
        "/docs/x%00.css",
        "/../",
        "/../../etc/passwd",
        "/%2e%2e/",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//",
        "///etc/passwd",
        "//etc/passwd",
        "/users/../table/",
        "/users/%2e%2e/table/",
        "/users/1/../../metrics",
        "/./table/",
        "/table/..;/users/",
        "/file:///etc/passwd",
    ],
)
async def test_no_path_leads_to_files_or_to_what_is_locked(raw, path):
    answer = await raw(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b'"type":"/problems/unknown-path"' in answer


DEEP = b"[" * 10_000 + b"]" * 10_000
DIGITS = b"9" * 10_000


@pytest.mark.parametrize(
    "data",
    [
        b'{"userId": 1, "content": %s}' % DEEP,
        b'{"userId": %s, "content": "a"}' % DEEP,
        b'{"userId": 1, "content": "a", "more": %s}' % (b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
        b'{"userId": 1, "content": "a", "%s": 1}' % (b"n" * 10_000),
        b'{"userId": -%s, "content": "a"}' % DIGITS,
        b'{"userId": 1.%s, "content": "a"}' % DIGITS,
        b'{"userId": 1e%s, "content": "a"}' % DIGITS,
        b'{"userId": 1, "content": %s}' % DIGITS,
        b'{"userId": Infinity, "content": "a"}',
        b'{"userId": 1, "content": NaN}',
        b'{"userId": 1, "content": -Infinity}',
        b'{"userId": 1, "content": "a", "content": "a"}',
        b'{"userId": 1, "content": "a", "user\\u0049d": 2}',
        b'{"userId": 1, "content": {"a": 1, "a": 1}}',
        b'{"userId": 1, "content": "\\ud83d"}',
        b'{"userId": 1, "content": "\\ude42\\ud83d"}',
        b'{"userId": 1, "content": "\\udcff"}',
        b'{"userId": 1, "content": "\xc0\x80"}',
        b'{"userId": 1, "content": "\xf4\x90\x80\x80"}',
        b'{"userId": 1, "content": "a"}\x00',
        b'\xef\xbb\xbf\xef\xbb\xbf{"userId": 1, "content": "a"}',
        '{"userId": 1, "content": "a"}'.encode("utf-16-le"),
        '{"userId": 1, "content": "a"}'.encode("utf-16-be"),
        '{"userId": 1, "content": "a"}'.encode("utf-32"),
        b'{"userId": 1, "content": "a" /* no */}',
        b"userId=1&content=a",
    ],
)
async def test_what_parsers_disagree_on_or_choke_on_is_refused(client, everything, data):
    before = everything()

    response = await client.post("/posts/", data=data, headers=JSON)

    assert (response.status, (await response.json(content_type=None))["type"]) == (400, "/problems/invalid")
    assert everything() == before


@pytest.mark.parametrize("text", LINES)
async def test_names_and_texts_begin_no_line_of_the_log(client, log, text):
    await client.post("/users/", json={"username": text, text: text})
    await client.post("/posts/", json={"userId": 1, "content": text, text: text})
    await client.post("/posts/", json={"userId": 1, "content": text.replace("\r", "")})

    assert forged(log) == []


@pytest.mark.parametrize("text", LINES)
async def test_paths_begin_no_line_of_the_log(client, log, text):
    for path in ("/{}", "/users/{}", "/users/1/{}", "/posts/?{}", "/timelines/1?cursor={}"):
        await client.get(path.format(quote(text, safe="")))

    assert forged(log) == []


@pytest.mark.parametrize("text", LINES)
@pytest.mark.parametrize("error", [RuntimeError, OSError])
async def test_nor_do_they_where_a_call_fails(front, log, error, text):
    front.app.fail(error("ours"))

    await front.client.post("/users/", json={"username": text})
    await front.client.get("/users/1/", params={"x": text})
    await front.client.get(f"/users/1/?{quote(text)}")

    assert forged(log) == []
    assert [record.getMessage() for record in log.records if "request_failed" in record.getMessage()][-1] == (
        "request_failed method=GET route=/users/{user} path=/users/1/"
    )
