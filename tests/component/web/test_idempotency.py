"""Idempotency-Key: the rules of the header, and the response to a repeated POST."""

import asyncio

import pytest

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
#: Each POST of the API that is done once: its path, a body, and a path and a body with another meaning.
CALLS = {
    "/users/": ({"username": "dora"}, "/users/", {"username": "eve"}),
    "/users/{follower}/follow/{followee}": (None, "/users/1/follow/3", None),
    "/users/{blocker}/block/{blocked}": (None, "/users/1/block/3", None),
    "/posts/": ({"userId": 1, "content": "a"}, "/posts/", {"userId": 1, "content": "b"}),
}
PATHS = {path: path.format(follower=1, followee=2, blocker=1, blocked=2) for path in CALLS}
every_post = pytest.mark.parametrize("path", CALLS)


@pytest.fixture
def post(client):
    """Make one of the calls, with a key."""

    async def send(path, key=KEY):
        return await client.post(PATHS[path], json=CALLS[path][0], headers={"Idempotency-Key": key})

    return send


async def test_these_are_all_posts_but_those_that_give_another_secret_each_time(front):
    posts = {path for path, view in front.app.web.views.items() if "POST" in view.get_methods()}

    secrets = {"/tokens/", "/session/", "/session/registration", "/admin/users/{user}/password"}
    assert posts - {"/admin/suspensions"} == {*CALLS, *secrets}, "the form of a page for operators says what is so then"


@every_post
async def test_the_same_key_is_the_same_answer(post, path):
    first, again = await post(path), await post(path)

    assert (again.status, await again.json()) == (first.status, await first.json())
    assert again.headers.get("Location") == first.headers.get("Location")
    assert first.status in (200, 201)


@every_post
async def test_concurrent_calls_get_the_same_answer(post, path):
    answers = await asyncio.gather(*(post(path) for _ in range(5)))

    assert len({await answer.text() for answer in answers}) == 1
    assert {answer.ok for answer in answers} == {True}


@every_post
async def test_the_same_key_with_another_request_is_refused(client, problem, post, path):
    await post(path)
    _, other_path, other_body = CALLS[path]

    response = await client.post(other_path, json=other_body, headers={"Idempotency-Key": KEY})

    document = await problem(response, 422, "idempotency-key-reused", "Idempotency-Key")
    assert KEY not in str(document)


async def test_the_same_key_on_another_path_of_the_same_caller_is_refused(problem, post):
    await post("/posts/")

    response = await post("/users/{follower}/follow/{followee}")

    await problem(response, 422, "idempotency-key-reused", "Idempotency-Key")


async def test_the_same_key_of_another_caller_is_another_key(client, post):
    mine = await post("/posts/")
    theirs = await client.post("/posts/", json={"userId": 2, "content": "a"}, headers={"Idempotency-Key": KEY})

    assert theirs.status == 201
    assert await theirs.json() != await mine.json()


async def test_spaces_and_the_order_of_fields_make_no_other_request(client, post):
    first = await post("/posts/")
    headers = {"Idempotency-Key": KEY, "Content-Type": "application/json"}

    again = await client.post("/posts/", data='{ "content": "\\u0061", "userId":1 }', headers=headers)

    assert (again.status, await again.json()) == (201, await first.json())


async def test_a_taken_name_leaves_the_key_free(front, client, problem, post):
    front.app.stores.users.hold_days = 0
    await client.post("/users/", json={"username": "dora"})
    await problem(await post("/users/"), 409, "username-taken", "username")
    await client.delete("/users/4")

    assert (await post("/users/")).status == 201


async def test_a_repeated_post_is_answered_although_it_was_deleted(client, post):
    first = await post("/posts/")
    location = first.headers["Location"]
    await client.delete(location)

    again = await post("/posts/")

    assert (again.status, await again.json()) == (201, await first.json())
    assert (await client.get(location)).status == 404


async def test_a_repeated_follow_is_answered_and_not_done_although_it_was_undone(client, post):
    await post("/users/{follower}/follow/{followee}")
    await client.delete("/users/1/follow/2")

    again = await post("/users/{follower}/follow/{followee}")

    assert (await again.json())["following"] is True
    assert await (await client.get("/users/1/followees")).json() == []


async def test_after_a_day_the_key_is_a_new_one(front, post, problem):
    first, _ = await post("/posts/"), await post("/users/")
    front.app.database.let_a_day_pass()

    again = await post("/posts/")

    assert (await again.json())["postId"] != (await first.json())["postId"]
    await problem(await post("/users/"), 409, "username-taken", "username")


@every_post
async def test_without_postgres_nothing_is_sent(front, problem, post, path):
    front.app.database.away = True

    response = await post(path)

    await problem(response, 503, "unavailable")
    assert response.headers["Retry-After"] == "2"
    assert front.app.log.begun == 0
    front.app.database.away = False
    assert (await post(path)).ok


@every_post
@pytest.mark.parametrize(
    "key", ["", "a b", "x" * 256, "\u00fc", "\U0001f642", "a\tb", '"', '""', '"a', '"a"b"', r'"a\b"']
)
async def test_a_key_must_be_visible_ascii_and_a_quoted_one_well_formed(problem, post, path, key):
    await problem(await post(path, key), 400, "invalid", "Idempotency-Key")


async def test_two_keys_are_refused(client, problem):
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    response = await client.post("/posts/", json={"userId": 1, "content": "a"}, headers=headers)
    await problem(response, 400, "invalid", "Idempotency-Key")


@every_post
@pytest.mark.parametrize("key", ["~" * 255, '"' + "~" * 255 + '"', '0123456789"abcdef'])
async def test_a_key_at_its_limits_is_taken(post, path, key):
    assert (await post(path, key)).ok


@pytest.mark.parametrize(
    ("bare", "quoted"), [("a", '"a"'), ('a"b', r'"a\"b"'), ("a\\b", r'"a\\b"'), ("a;b=1", '"a;b=1"')]
)
async def test_a_key_in_quotes_is_the_key_without_them(post, bare, quoted):
    first, again = await post("/posts/", bare), await post("/posts/", quoted)

    assert await again.json() == await first.json()


async def test_a_registrations_key_must_be_hard_to_guess(problem, post):
    response = await post("/users/", "0123456789abcde")

    assert "16 characters" in (await problem(response, 400, "invalid", "Idempotency-Key"))["detail"]
