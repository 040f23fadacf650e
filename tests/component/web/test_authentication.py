"""Which calls need a token, and what a valid, an invalid and a missing one lead to."""

import pytest

from microblog_streams.operations import tokens
from tests.component.web.registered_users import PASSWORD, bearer, log_in, register

POST = {"userId": 1, "content": "Good morning"}
CHALLENGE = 'Bearer realm="microblog"'
REFUSAL = f'{CHALLENGE}, error="invalid_token"'
#: What ann (1) alone may do, and what she is answered.
OWN = [
    ("POST", "/users/1/follow/2", None, 200),
    ("DELETE", "/users/1/follow/2", None, 200),
    ("POST", "/users/1/block/2", None, 200),
    ("DELETE", "/users/1/block/2", None, 200),
    ("GET", "/users/1/blocks", None, 200),
    ("POST", "/posts/", POST, 201),
    ("GET", "/timelines/1", None, 200),
    ("GET", "/timelines/1/", None, 200),
    ("HEAD", "/timelines/1", None, 200),
    ("DELETE", "/users/1", None, 204),
]
NAMELESS = [("GET", "/tokens/", None), ("DELETE", "/tokens/1", None)]
#: What everybody may read.
PUBLIC = ["/users/", "/users/1", "/users/1/followers", "/users/1/followees", "/users/1/posts", "/posts/1"]

own = pytest.mark.parametrize(("method", "path", "body", "status"), OWN)


@pytest.fixture
async def front(make_front):
    return await make_front(names=(), auth="required")


@pytest.fixture
async def ann(client):
    return await register(client, "ann")


@pytest.fixture
async def bob(client, ann):
    return await register(client, "bob")


@own
async def test_a_user_can_read_their_own_data_with_their_token(client, ann, bob, method, path, body, status):
    assert (await client.request(method, path, json=body, headers=ann)).status == status


@own
async def test_without_a_token_it_is_unknown_who_calls(client, ann, bob, method, path, body, status):
    response = await client.request(method, path, json=body)

    assert (response.status, response.headers["WWW-Authenticate"]) == (401, CHALLENGE)


@own
async def test_anothers_token_is_known_and_not_enough(client, ann, bob, method, path, body, status):
    response = await client.request(method, path, json=body, headers=bob)

    assert response.status == 403
    assert "WWW-Authenticate" not in response.headers


@own
async def test_a_call_that_was_refused_has_changed_nothing(front, client, ann, bob, method, path, body, status):
    before = repr((front.app.database.users, front.app.database.edges, front.app.log.events))

    await client.request(method, path, json=body)
    await client.request(method, path, json=body, headers=bob)

    assert repr((front.app.database.users, front.app.database.edges, front.app.log.events)) == before


@pytest.mark.parametrize(("method", "path", "body"), NAMELESS)
async def test_the_token_list_is_refused_without_a_token(client, problem, method, path, body):
    await problem(await client.request(method, path, json=body), 401, "unauthenticated")


@pytest.mark.parametrize("path", PUBLIC)
async def test_public_things_need_no_token(client, ann, bob, path):
    assert (await client.get(path)).status == 200
    assert (await client.get(path, headers=bob)).status == 200


@pytest.mark.parametrize("path", [*PUBLIC, "/timelines/1", "/tokens/"])
async def test_a_token_that_is_not_good_is_refused_everywhere(client, problem, ann, path):
    response = await client.get(path, headers=bearer(tokens.new().get_secret_value()))

    await problem(response, 401, "unauthenticated")
    assert response.headers["WWW-Authenticate"] == REFUSAL


async def test_an_invalid_token_registers_no_user(front, client):
    response = await client.post("/users/", json={"username": "ann"}, headers=bearer("mb_x"))

    assert response.status == 401
    assert front.app.database.users == {}


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_how_the_worker_is_depends_on_no_token_and_no_store(front, path):
    front.app.database.away = True

    assert (await front.client.get(path, headers=bearer(tokens.new().get_secret_value()))).status == 200


async def test_a_browser_may_ask_before_it_sends(make_front):
    front = await make_front(auth="required", cors_origins="https://app.example")
    asks = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}

    assert (await front.client.options("/posts/", headers=asks)).status == 204


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("PUT", "/users/1")])
async def test_what_is_not_there_is_not_there_whatever_token_comes(client, method, path):
    assert (await client.request(method, path, headers=bearer("mb_x"))).status in (404, 405)


async def test_the_scheme_is_read_in_any_case(client, ann):
    headers = {"Authorization": ann["Authorization"].replace("Bearer ", "bEARER  ")}

    assert (await client.get("/timelines/1", headers=headers)).status == 200


@pytest.mark.parametrize("body", [b"not json", b'{"userId": 1}', b""])
async def test_who_calls_comes_before_what_is_wrong_with_it(client, body):
    assert (await client.post("/posts/", data=body)).status == 401


async def test_while_postgres_is_away_a_token_it_was_not_seen_before_is_a_503(front, problem, ann):
    front.app.database.away = True

    await problem(await front.client.get("/timelines/1", headers=ann), 503, "unavailable")


async def test_without_postgresql_a_cached_token_stays_valid(front, ann):
    await front.client.get("/timelines/1", headers=ann)
    await front.app.operations.users.get(1)
    front.app.database.away = True

    assert (await front.client.post("/posts/", json=POST, headers=ann)).status == 201


class TestRegistering:
    async def test_the_token_is_shown_once_in_an_uncacheable_response(self, client):
        response = await client.post("/users/", json={"username": "ann"})
        user = await response.json()

        assert list(user) == ["id", "username", "displayName", "createdAt", "token"]
        assert response.headers["Location"] == "/users/1"
        assert response.headers["Cache-Control"] == "no-store"
        assert (await client.get("/timelines/1", headers=bearer(user["token"]))).status == 200
        assert "token" not in await (await client.get("/users/1")).json()

    async def test_a_repeated_call_answers_the_same_user_and_a_token_in_place_of_the_former(self, client):
        body, once = {"username": "ann", "password": PASSWORD}, {"Idempotency-Key": "0123456789abcdef"}
        first = await (await client.post("/users/", json=body, headers=once)).json()
        again = await (await client.post("/users/", json=body, headers=once)).json()

        assert again == {**first, "token": again["token"]}
        assert (await client.get("/timelines/1", headers=bearer(first["token"]))).status == 401
        assert (await client.get("/timelines/1", headers=bearer(again["token"]))).status == 200

    @pytest.mark.parametrize("password", ["another horse", None])
    async def test_a_repeated_call_with_another_password_is_another_call(self, client, problem, password):
        once = {"Idempotency-Key": "0123456789abcdef"}
        await client.post("/users/", json={"username": "ann", "password": PASSWORD}, headers=once)
        response = await client.post("/users/", json={"username": "ann", "password": password}, headers=once)

        await problem(response, 422, "idempotency-key-reused", "Idempotency-Key")

    async def test_a_stored_key_does_not_help_to_guess_the_password(self, front):
        once = {"Idempotency-Key": "0123456789abcdef"}
        await front.client.post("/users/", json={"username": "ann", "password": PASSWORD}, headers=once)
        (first,) = [row.digest for row in front.app.database.keys.values()]
        front.app.database.keys.clear()
        await front.client.delete("/users/1", headers=await log_in(front.client, "ann"))
        front.app.database.held.clear()  # as long after that as names are held back
        await front.client.post("/users/", json={"username": "ann", "password": "another horse"}, headers=once)
        (second,) = [row.digest for row in front.app.database.keys.values()]

        assert first == second

    @pytest.mark.parametrize("password", ["1234567", "x" * 201, 12345678, "12345678\ud800"])
    async def test_a_bad_password_is_named(self, client, problem, password):
        response = await client.post("/users/", json={"username": "ann", "password": password})

        document = await problem(response, 400, "invalid", "password")
        assert str(password) not in str(document)


class TestTokens:
    @pytest.fixture
    async def ann(self, client):
        return await register(client, "ann", PASSWORD)

    async def test_name_and_password_give_another_token(self, client, ann):
        body = {"username": "ANN", "password": PASSWORD, "name": "phone"}
        response = await client.post("/tokens/", json=body)
        token = await response.json()

        assert response.status == 201
        assert response.headers["Location"] == "/tokens/2"
        assert response.headers["Cache-Control"] == "no-store"
        assert token == {
            "id": 2,
            "name": "phone",
            "createdAt": token["createdAt"],
            "lastUsedAt": None,
            "userId": 1,
            "token": token["token"],
        }
        assert (await client.get("/timelines/1", headers=bearer(token["token"]))).status == 200

    async def test_the_list_is_the_callers_own_and_shows_no_secrets(self, client, ann, bob):
        await log_in(client, "ann")
        tokens = await (await client.get("/tokens/", headers=ann)).json()

        assert [(token["id"], token["name"]) for token in tokens] == [(1, "registration"), (3, "")]
        assert {tuple(token) for token in tokens} == {("id", "name", "createdAt", "lastUsedAt")}

    async def test_a_revoked_token_is_refused_and_the_others_go_on(self, client, ann):
        phone = await log_in(client, "ann")

        response = await client.delete("/tokens/2", headers=ann)

        assert (response.status, await response.read()) == (204, b"")
        assert (await client.get("/timelines/1", headers=phone)).status == 401
        assert (await client.get("/timelines/1", headers=ann)).status == 200

    async def test_a_token_can_revoke_itself(self, client, ann):
        await client.delete("/tokens/1", headers=ann)

        assert (await client.get("/tokens/", headers=ann)).status == 401

    async def test_anothers_token_is_not_there(self, client, problem, ann, bob):
        await problem(await client.delete("/tokens/1", headers=bob), 404, "not-found")
        assert (await client.get("/timelines/1", headers=ann)).status == 200

    @pytest.mark.parametrize("ident", ["0", "x", "-1", "9" * 20])
    async def test_an_impossible_id_is_named(self, client, problem, ann, ident):
        await problem(await client.delete(f"/tokens/{ident}", headers=ann), 400, "invalid", "tokenId")

    @pytest.mark.parametrize(("name", "password"), [("ann", "wrong horse"), ("nobody", PASSWORD), ("a b", PASSWORD)])
    async def test_a_wrong_login_does_not_say_what_is_wrong(self, client, problem, ann, name, password):
        response = await client.post("/tokens/", json={"username": name, "password": password})

        document = await problem(response, 401, "unauthenticated")
        assert document["detail"] == "The username or the password is wrong."
        assert response.headers["WWW-Authenticate"] == CHALLENGE

    async def test_a_name_with_a_newline_is_refused(self, client, problem, ann):
        body = {"username": "ann", "password": PASSWORD, "name": "a\nb"}

        await problem(await client.post("/tokens/", json=body), 400, "invalid", "name")


class TestDeletingPosts:
    @pytest.fixture
    async def post(self, client, ann):
        response = await client.post("/posts/", json=POST, headers=ann)
        return response.headers["Location"]

    async def test_the_author_deletes(self, client, ann, post):
        assert (await client.delete(post, headers=ann)).status == 204
        assert (await client.get(post)).status == 404

    async def test_unknown_and_other_users_do_not(self, client, problem, bob, post):
        await problem(await client.delete(post), 401, "unauthenticated")
        await problem(await client.delete(post, headers=bob), 403, "forbidden")
        assert (await client.get(post)).status == 200

    async def test_deleting_a_deleted_users_post_is_a_404(self, client, problem, ann, bob, post):
        await client.delete("/users/1", headers=ann)

        await problem(await client.delete(post, headers=bob), 404, "not-found")


class TestOpen:
    async def test_everybody_may_do_everything(self, make_front):
        client = (await make_front()).client

        for method, path, body, status in OWN:
            assert (await client.request(method, path, json=body)).status == status

    async def test_tokens_are_taken_no_notice_of(self, make_front):
        front = await make_front()
        headers = bearer(tokens.new().get_secret_value())

        assert (await front.client.post("/posts/", json=POST, headers=headers)).status == 201
        front.app.database.away = True
        unseen = bearer(tokens.new().get_secret_value())
        assert (await front.client.post("/posts/", json=POST, headers=unseen)).status == 201

    async def test_registering_gives_no_token_and_logging_in_does(self, make_front):
        client = (await make_front(names=())).client
        user = await (await client.post("/users/", json={"username": "ann", "password": PASSWORD})).json()
        headers = await log_in(client, "ann")

        assert "token" not in user
        assert len(await (await client.get("/tokens/", headers=headers)).json()) == 1
        assert (await client.get("/tokens/")).status == 401
