"""Each kind of bad input has its status, and a problem document that names the field and the rule."""

import io
import json
from codecs import BOM_UTF8
from uuid import UUID, uuid4

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import MAX_USER_ID, new_post_id

JSON = {"Content-Type": "application/json"}


async def send(client, data, path="/posts/"):
    return await client.post(path, data=data, headers=JSON)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"{",
        b'{"userId": 1, "content": "a",}',
        b"{'userId': 1}",
        b'{"userId": 01, "content": "a"}',
        b'{"userId": 1, "content": "\x01"}',
        b'{"userId": 1, "content": "a"} {}',
        b'{"userId": 1, "content": "\xff"}',
        b'{"userId": 1, "content": "\xed\xa0\x80"}',
        '{"userId": 1, "content": "a"}'.encode("utf-16"),
        b'{"userId": NaN, "content": "a"}',
        b'{"userId": -Infinity, "content": "a"}',
        b'{"userId": ' + b"9" * 10_000 + b', "content": "a"}',
        b"[" * 10_000,
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    ],
)
async def test_a_body_that_is_not_json_is_refused(client, problem, data):
    await problem(await send(client, data), 400, "invalid", "body")


@pytest.mark.parametrize("data", [b"[]", b"null", b"1", b'"text"', b"true", b'[{"userId": 1, "content": "a"}]'])
async def test_json_that_is_no_object_is_refused(client, problem, data):
    document = await problem(await send(client, data), 400, "invalid", "body")
    assert "must be a JSON object" in document["detail"]


@pytest.mark.parametrize("user", ["1", 1.0, 1e0, True, None, [], {}, 1.5, 0, -1, MAX_USER_ID + 1, 10**400])
async def test_a_user_id_that_is_no_id_is_refused(client, problem, user):
    data = json.dumps({"userId": user, "content": "a"})
    await problem(await send(client, data), 400, "invalid", "userId")


async def test_a_number_too_large_for_a_float_is_refused(client, problem):
    await problem(await send(client, '{"userId": 1e999, "content": "a"}'), 400, "invalid", "userId")


@pytest.mark.parametrize("content", [1, None, True, ["a"], {"a": "b"}])
async def test_content_that_is_no_text_is_refused(client, problem, content):
    await problem(await send(client, json.dumps({"userId": 1, "content": content})), 400, "invalid", "content")


@pytest.mark.parametrize(
    "content", ["", " \n\t ", "a" * 501, " " * 2000 + "a", "a\x00", "a\r\n", "\x7f", "\x85b", "\ud800"]
)
async def test_content_that_breaks_a_rule_is_refused(client, problem, content):
    await problem(await send(client, json.dumps({"userId": 1, "content": content})), 400, "invalid", "content")


@pytest.mark.parametrize("content", ["a", "a" * 500, "\U0001f642" * 500, " " * 1500 + "a" * 500, "a\n\tb"])
async def test_content_at_its_limits_is_taken(client, content):
    assert (await send(client, json.dumps({"userId": 1, "content": content}))).status == 201


@pytest.mark.parametrize(
    "name", ["", "a" * 51, "a b", "a\x00", "\u202eann", "\ud800", "a/b", "<b>", "\u3164", "\U0001f642", 5, None]
)
async def test_a_name_that_breaks_a_rule_is_refused(client, problem, name):
    await problem(await send(client, json.dumps({"username": name}), "/users/"), 400, "invalid", "username")


@pytest.mark.parametrize("name", ["a", "x" * 50, "\u0939\u093f\u0928\u094d\u0926\u0940", "\u674e.\u96f7-9_"])
async def test_names_of_any_script_are_taken(client, name):
    assert (await send(client, json.dumps({"username": name}), "/users/")).status == 201


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("username=", "username"),
        ("username=a%20b", "username"),
        ("username=%00", "username"),
        ("username=ann&username=bob", "username"),
        ("username=ann&cursor=AQAAAAAAAAABqZPVaA", "cursor"),
    ],
)
async def test_a_name_that_is_looked_for_must_be_one_that_people_can_have(client, problem, query, field):
    await problem(await client.get(f"/users/?{query}"), 400, "invalid", field)


@pytest.mark.parametrize("name", ["ann", "ANN", "\uff21nn"])
async def test_a_registered_or_equivalent_name_is_taken(client, problem, name):
    await problem(await client.post("/users/", json={"username": name}), 409, "username-taken", "username")


async def test_every_wrong_field_is_named_at_once(client, problem):
    document = await problem(
        await client.post("/posts/", json={"userId": "1", "text": "a"}), 400, "invalid", "userId", "content", "text"
    )
    assert document["errors"] == [
        {"field": "userId", "message": "must be a whole number"},
        {"field": "content", "message": "is missing"},
        {"field": "text", "message": "is not a field of this request"},
    ]


@pytest.mark.parametrize("field", ["user_id", "postId", "__proto__", ""])
async def test_unknown_fields_are_refused(client, problem, field):
    response = await client.post("/posts/", json={"userId": 1, "content": "a", field: 1})
    await problem(response, 400, "invalid", field or "body")


async def test_a_field_that_stands_twice_is_refused(client, problem):
    response = await send(client, '{"userId": 1, "content": "a", "userId": 2}')
    document = await problem(response, 400, "invalid", "userId")
    assert "more than once" in document["detail"]


async def test_thousands_of_wrong_fields_make_a_short_answer(client):
    response = await client.post("/posts/", json={f"f{number}": number for number in range(3000)})

    assert response.status == 400
    assert len((await response.json(content_type=None))["errors"]) == 20


async def test_a_field_named_with_half_a_character_is_answered_in_utf8(client, problem):
    await problem(await send(client, r'{"userId": 1, "content": "a", "\ud800": 1}'), 400, "invalid", "body")
    await problem(await send(client, r'{"\ud800": 1, "\ud800": 2}'), 400, "invalid", "?")


@pytest.mark.parametrize("size", [64 * 1024 + 1, 10 * 1024 * 1024])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/posts/"), ("POST", "/users/"), ("GET", "/users/"), ("DELETE", "/users/1")]
)
async def test_a_body_over_64_kib_is_refused_everywhere(client, problem, method, path, size):
    response = await client.request(method, path, data=io.BytesIO(b" " * size), headers=JSON)
    document = await problem(response, 413, "request-entity-too-large", "body")
    assert "65,536 bytes" in document["detail"]


async def test_a_body_of_unknown_size_over_64_kib_is_refused(client, problem):
    async def chunks():
        for _ in range(65):
            yield b" " * 1024

    await problem(await send(client, chunks()), 413, "request-entity-too-large", "body")


async def test_a_body_of_exactly_64_kib_is_read(client):
    data = json.dumps({"userId": 1, "content": "a"}).ljust(64 * 1024)

    assert (await send(client, data)).status == 201


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/json; charset=utf-16",
        "application/json; charset=utf-8-sig",
        "application/json; charset=latin-1",
        "application/json; charset=us-ascii",
        "application/json; charset=\u00fctf8",
        "json",
    ],
)
async def test_another_content_type_is_refused(client, problem, content_type):
    response = await client.post(
        "/posts/", data=b'{"userId": 1, "content": "a"}', headers={"Content-Type": content_type}
    )
    document = await problem(response, 415, "unsupported-media-type")
    assert "application/json" in document["detail"]


async def test_a_body_without_a_content_type_is_refused(client, problem):
    response = await client.post("/posts/", data=b"{}", skip_auto_headers=["Content-Type"])
    await problem(response, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=UTF-8",
        "application/json;charset=utf8",
        'application/json ; Charset="UTF8"',
        "Application/JSON",
    ],
)
async def test_json_is_known_by_its_other_spellings(client, content_type):
    response = await client.post(
        "/posts/", data=b'{"userId": 1, "content": "a"}', headers={"Content-Type": content_type}
    )
    assert response.status == 201


async def test_json_behind_a_byte_order_mark_is_read(client):
    """RFC 8259, section 8.1: it may be ignored. Windows' editors and .NET write it."""
    response = await client.post("/posts/", data=BOM_UTF8 + b'{"userId": 1, "content": "a"}', headers=JSON)

    assert (response.status, (await response.json())["content"]) == (201, "a")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (BOM_UTF8 * 2 + b"{}", "is not JSON"),
        (BOM_UTF8, "is not JSON"),
        (b"{}" + BOM_UTF8, "is not JSON"),
        ("{}".encode("utf-16"), "is not UTF-8 at byte 0"),
        ("{}".encode("utf-32-be"), "is not JSON"),
    ],
)
async def test_other_marks_are_not(client, problem, data, message):
    response = await client.post("/posts/", data=data, headers=JSON)

    document = await problem(response, 400, "invalid", "body")
    assert message in document["errors"][0]["message"]


@pytest.mark.parametrize("content", ["\u200b\u2060", "\u2800", "\u3164 \u00ad", "\U000e0068\U000e0069", "\ufeff"])
async def test_a_post_that_shows_nothing_is_refused_as_empty(client, problem, content):
    response = await client.post("/posts/", json={"userId": 1, "content": content})

    document = await problem(response, 400, "invalid", "content")
    assert "is empty" in document["errors"][0]["message"]


BAD_IDS = [
    "0",
    "-1",
    str(MAX_USER_ID + 1),
    "9" * 400,
    "abc",
    "1.0",
    "1e3",
    "0x1",
    "01",
    "%31%20",
    "\u0661",
    "1%2F2",
    "null",
    "%FF",
]


@pytest.mark.parametrize("ident", BAD_IDS)
@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("GET", "/users/{}", "userId"),
        ("DELETE", "/users/{}", "userId"),
        ("GET", "/users/{}/followers", "userId"),
        ("GET", "/users/{}/followees", "userId"),
        ("GET", "/users/{}/blocks", "userId"),
        ("GET", "/users/{}/posts", "userId"),
        ("GET", "/posts/{}", "userId"),
        ("DELETE", "/posts/{}", "postId"),
        ("GET", "/timelines/{}", "userId"),
        ("POST", "/users/{}/follow/1", "followerId"),
        ("POST", "/users/1/follow/{}", "followeeId"),
        ("DELETE", "/users/{}/follow/1", "followerId"),
        ("DELETE", "/users/1/follow/{}", "followeeId"),
        ("POST", "/users/{}/block/1", "blockerId"),
        ("POST", "/users/1/block/{}", "blockedId"),
        ("DELETE", "/users/{}/block/1", "blockerId"),
        ("DELETE", "/users/1/block/{}", "blockedId"),
    ],
)
async def test_an_id_that_is_none_is_refused_and_named(client, problem, method, path, field, ident):
    await problem(await client.request(method, path.format(ident)), 400, "invalid", field)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users/4"),
        ("GET", f"/users/{MAX_USER_ID}"),
        ("DELETE", "/users/4"),
        ("GET", "/users/4/followers"),
        ("GET", "/users/4/followees"),
        ("GET", "/users/4/blocks"),
        ("GET", "/users/4/posts"),
        ("GET", "/posts/4"),
        ("GET", "/timelines/4"),
        ("POST", "/users/4/follow/1"),
        ("POST", "/users/1/follow/4"),
        ("DELETE", "/users/1/follow/4"),
        ("POST", "/users/4/block/1"),
        ("POST", "/users/1/block/4"),
        ("DELETE", "/users/1/block/4"),
    ],
)
async def test_an_unknown_user_is_not_found(client, problem, method, path):
    document = await problem(await client.request(method, path), 404, "not-found")
    assert document["detail"].startswith("There is no user ")


async def test_posting_as_an_unknown_user_is_refused(client, problem):
    await problem(await client.post("/posts/", json={"userId": 4, "content": "a"}), 404, "not-found")


async def test_a_deleted_user_is_not_found(client, problem):
    await client.delete("/users/2")

    await problem(await client.get("/users/2"), 404, "not-found")
    await problem(await client.delete("/users/2"), 404, "not-found")
    await problem(await client.post("/users/1/follow/2"), 404, "not-found")
    await problem(await client.post("/posts/", json={"userId": 2, "content": "a"}), 404, "not-found")


#: Ids that no user has. Written out, because tests are named after them, and in every process alike.
A_POST, A_UUID4 = "01a22a9d-e3d0-76a4-9cdc-8dab1184fb4a", "27089924-88c7-4fa7-9823-ad8efa90b8c3"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("post", [A_POST, A_UUID4, str(UUID(int=0)), str(UUID(int=2**128 - 1))])
async def test_an_unknown_post_is_not_found(client, problem, method, post):
    document = await problem(await client.request(method, f"/posts/{post}"), 404, "not-found")
    assert document["detail"] == f"There is no post {post}."


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_unknown_post_of_right_now_may_be_one_that_is_not_stored_yet(client, problem, method):
    post = new_post_id()
    answer = await client.request(method, f"/posts/{post}")
    document = await problem(answer, 503, "unavailable")
    assert document["detail"] == f"Post {post} is not stored yet, or never existed; nothing was done. Try again."
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_uuid_that_no_post_can_have_is_not_even_looked_for(front, problem, method):
    front.app.fail(StoreUnavailable("cassandra", "away"))

    await problem(await front.client.request(method, f"/posts/{uuid4()}"), 404, "not-found")


@pytest.mark.parametrize("post", ["5", "(0188d2b0)", A_UUID4.replace("-", ""), f"urn:uuid:{A_UUID4}", "g" * 36])
async def test_a_post_id_that_is_no_uuid_is_refused(client, problem, post):
    await problem(await client.delete(f"/posts/{post}"), 400, "invalid", "postId")


async def test_following_oneself_is_refused(client, problem):
    await problem(await client.post("/users/1/follow/1"), 400, "invalid", "followeeId")


async def test_blocking_oneself_is_refused(client, problem):
    await problem(await client.post("/users/1/block/1"), 400, "invalid", "blockedId")


@pytest.mark.parametrize("path", ["/nothing", "/user", "/users/1/nothing", "/users/1/2/3", "/timelines/"])
async def test_an_unknown_path_is_not_found(client, problem, path):
    await problem(await client.get(path), 404, "unknown-path")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/users/", "GET,HEAD,OPTIONS,POST"),
        ("DELETE", "/posts/", "OPTIONS,POST"),
        ("GET", "/posts", "OPTIONS,POST"),
        ("HEAD", "/posts/", "OPTIONS,POST"),
        ("PUT", "/users/1/follow/2", "DELETE,GET,HEAD,OPTIONS,POST"),
        ("POST", "/users/1/", "DELETE,GET,HEAD,OPTIONS,PATCH"),
        ("PATCH", "/timelines/1", "GET,HEAD,OPTIONS"),
        ("SEARCH", "/health", "GET,HEAD,OPTIONS"),
    ],
)
async def test_a_wrong_method_gets_the_allowed_ones(client, method, path, allowed):
    response = await client.request(method, path)

    assert (response.status, response.headers["Allow"]) == (405, allowed)
    assert response.content_type == "application/problem+json"
