"""Attacks that must fail: acting as another user, forging tokens, finding out usernames, finding tokens in logs."""

import logging

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.operations import tokens
from tests.component.web.registered_users import PASSWORD, bearer, log_in, register

ADMIN_TOKEN = "correct-horse-battery-staple"
POST = {"userId": 1, "content": "not from ann"}


@pytest.fixture
async def front(make_front):
    return await make_front(names=(), auth="required")


@pytest.fixture
async def ann(client):
    return await register(client, "ann")


@pytest.fixture
async def bob(client, ann):
    return await register(client, "bob")


@pytest.fixture
def secret(ann):
    return ann["Authorization"].removeprefix("Bearer ")


def request(line, *authorizations):
    """Return a request's bytes, with these headers ``Authorization``."""
    headers = ["Host: a", "Connection: close", *(f"Authorization: {value}" for value in authorizations)]
    return "\r\n".join([f"{line} HTTP/1.1", *headers, "", ""]).encode()


class TestActingAsAnother:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b'{"userId": 1, "content": "a"}', 403),
            (b'{"userId": 2, "userId": 1, "content": "a"}', 400),
            (b'{"userId": 1, "userId": 2, "content": "a"}', 400),
            (b'{"userId": 2, "user_id": 1, "content": "a"}', 400),
            (b'{"userId": 2, "UserId": 1, "content": "a"}', 400),
            (b'{"userId": "1", "content": "a"}', 400),
            (b'{"userId": 1.0, "content": "a"}', 400),
            (b'{"userId": [1], "content": "a"}', 400),
        ],
    )
    async def test_by_body(self, front, bob, body, status):
        headers = {**bob, "Content-Type": "application/json"}

        assert (await front.client.post("/posts/", data=body, headers=headers)).status == status
        assert front.app.log.events == []

    @pytest.mark.parametrize(
        ("method", "target", "status"),
        [
            ("GET", "/timelines/1", 403),
            ("GET", "/timelines/%31", 403),
            ("GET", "/timelines/2/../1", 404),
            ("GET", "/timelines/2%2f..%2f1", 400),
            ("GET", "//timelines/1", 404),
            ("GET", "/timelines/01", 400),
            ("GET", "/timelines/1%00", 400),
            ("GET", "/timelines/1;2", 400),
            ("GET", "/timelines/1?userId=2", 403),
            ("GET", "/timelines/1#2", 403),
            ("GET", "http://other/timelines/1", 403),
            ("POST", "/users/1/follow/2", 403),
            ("POST", "/users/1/follow/2/", 403),
            ("POST", "/users/%31/follow/2", 403),
            ("DELETE", "/users/1/follow/2", 403),
            ("DELETE", "/users/1", 403),
            ("DELETE", "/users/1/", 403),
        ],
    )
    async def test_by_path(self, front, raw, bob, method, target, status):
        answer = await raw(request(f"{method} {target}", bob["Authorization"]))

        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
        assert list(front.app.database.users) == [1, 2]
        assert front.app.database.edges == {}

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-User-Id": "1"},
            {"X-Forwarded-User": "ann", "Remote-User": "ann"},
            {"X-Original-URL": "/timelines/2", "X-Rewrite-URL": "/timelines/2"},
            {"X-HTTP-Method-Override": "OPTIONS"},
            {"Cookie": "token=1; user=1"},
            {"Forwarded": "for=127.0.0.1", "X-Forwarded-For": "127.0.0.1"},
        ],
    )
    async def test_by_header(self, client, bob, headers):
        assert (await client.get("/timelines/1", headers={**bob, **headers})).status == 403
        assert (await client.get("/timelines/1", headers=headers)).status == 401

    async def test_by_their_key(self, client, ann, bob):
        key = {"Idempotency-Key": "0123456789abcdef"}
        await client.post("/posts/", json=POST, headers={**ann, **key})

        assert (await client.post("/posts/", json=POST, headers={**bob, **key})).status == 403

    async def test_another_timeline_is_the_same_whether_its_owner_is_there_or_not(self, client, bob):
        async def seen(user):
            response = await client.get(f"/timelines/{user}", headers={**bob, "X-Request-ID": "same"})
            return response.status, (await response.text()).replace(str(user), "N")

        assert await seen(1) == await seen(4711)
        assert (await seen(1))[0] == 403


class TestTokensThatAreNone:
    async def refused(self, client, headers):
        response = await client.get("/timelines/1", headers=headers)
        return response.status == 401 and 'error="invalid_token"' in response.headers["WWW-Authenticate"]

    async def test_a_revoked_one(self, client, ann):
        await client.delete("/tokens/1", headers=ann)

        assert await self.refused(client, ann)

    async def test_an_expired_one(self, front, ann):
        front.app.database.let_tokens_age(365)

        assert await self.refused(front.client, ann)

    async def test_a_deleted_users(self, client, ann):
        await client.delete("/users/1", headers=ann)

        assert await self.refused(client, ann)

    async def test_one_of_another_system(self, client, ann):
        assert await self.refused(client, bearer(tokens.new().get_secret_value()))

    async def test_the_admins(self, client, ann):
        assert await self.refused(client, bearer(ADMIN_TOKEN))

    @pytest.mark.parametrize(
        "change",
        [
            lambda secret: secret[:-1],
            lambda secret: secret[:20],
            lambda secret: secret + "A",
            lambda secret: secret.removeprefix("mb_"),
            lambda secret: secret.upper(),
            lambda secret: f'"{secret}"',
            lambda secret: f"{secret},{secret}",
            lambda secret: f"{secret} {secret}",
            lambda secret: secret + "%00",
            lambda secret: tokens.hashed(secret).hex(),
            lambda secret: "",
            lambda secret: "1",
            lambda secret: "' OR '1'='1",
            lambda secret: "x" * 7_000,
        ],
    )
    async def test_a_changed_one(self, client, secret, change):
        assert await self.refused(client, bearer(change(secret)))

    @pytest.mark.parametrize(
        "value",
        ["{}", "Token {}", "Basic {}", "Digest {}", "Bearer{}", "Bearer:{}", "Bearer\t{}", "Bearer", "", "Basic"],
    )
    async def test_another_scheme(self, client, secret, value):
        assert await self.refused(client, {"Authorization": value.format(secret)})

    @pytest.mark.parametrize("path", ["/timelines/1?access_token={}", "/timelines/1?token={}"])
    async def test_one_in_the_address(self, client, secret, path):
        assert (await client.get(path.format(secret))).status == 401

    @pytest.mark.parametrize("other", ["mb_x", "", None])
    @pytest.mark.parametrize("first", [True, False])
    async def test_one_among_several(self, raw, secret, other, first):
        good, bad = f"Bearer {secret}", f"Bearer {secret if other is None else other}"
        answer = await raw(request("GET /timelines/1", *((good, bad) if first else (bad, good))))

        assert answer.startswith(b"HTTP/1.1 401 ")

    @pytest.mark.parametrize("value", [b"\xff\xfe", b"mb_\xed\xa0\x80", b"mb_\xc3\xbc" + b"A" * 46])
    async def test_one_that_is_no_text(self, raw, ann, value):
        answer = await raw(
            b"GET /users/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer " + value + b"\r\n\r\n"
        )

        assert answer.startswith(b"HTTP/1.1 401 ")


class TestLearningWhoIsRegistered:
    @pytest.fixture
    def checked(self, front, monkeypatch):
        """Counts what the real hasher checks."""
        hasher, hashes = front.app.operations.access.passwords._hasher, []
        verify = type(hasher).verify
        monkeypatch.setattr(
            type(hasher), "verify", lambda self, kept, given: hashes.append(kept) or verify(self, kept, given)
        )
        return hashes

    @pytest.mark.parametrize("name", ["ann", "bob", "nobody", "not a name", "", "x" * 10_000])
    async def test_by_logging_in(self, client, bob, checked, name):
        await register(client, "cleo", PASSWORD)
        login = {"username": "cleo", "password": "wrong horse"}
        known = await client.post("/tokens/", json=login, headers={"X-Request-ID": "same"})
        other = await client.post("/tokens/", json={**login, "username": name}, headers={"X-Request-ID": "same"})

        assert (known.status, await known.text()) == (other.status, await other.text())
        assert known.status == 401
        assert {key for key in known.headers if known.headers[key] != other.headers[key]} <= {"Date"}
        of_cleo, of_the_other = (kept.rsplit("$", 2)[0] for kept in checked)
        assert of_cleo.startswith("$argon2id$")
        assert of_the_other == of_cleo


class TestLogs:
    async def test_no_token_and_no_password_is_in_a_log_whatever_happens(self, front, caplog):
        client = front.client
        with caplog.at_level(logging.DEBUG):
            ann = await register(client, "ann", PASSWORD)
            phone = await log_in(client, "ann")
            bad = bearer(tokens.new().get_secret_value()[:-1] + "_")
            for headers in (ann, phone, bad):
                await client.get("/timelines/1", headers=headers)
                await client.post("/posts/", json=POST, headers=headers)
                await client.post("/posts/", json={"userId": PASSWORD}, headers=headers)
                await client.post("/tokens/", json={"username": "ann", "password": PASSWORD, "x": 1}, headers=headers)
                await client.get("/table/", headers=headers)
            await client.delete("/tokens/2", headers=ann)
            front.app.database.away = True
            await client.get("/timelines/1", headers=phone)
            await client.post("/tokens/", json={"username": "ann", "password": PASSWORD})
            front.app.fail(RuntimeError("broken"))
            await client.get("/timelines/1", headers=phone)
            await client.post("/users/", json={"username": "bob", "password": PASSWORD})
            front.app.fail(StoreUnavailable("postgres", "away"))
            await client.post("/users/", json={"username": "bob", "password": PASSWORD})

        lines = [record.getMessage() + str(record.exc_text or "") for record in caplog.records]
        assert any("request_failed" in line for line in lines)
        assert [line for line in lines if "mb_" in line or PASSWORD in line] == []
