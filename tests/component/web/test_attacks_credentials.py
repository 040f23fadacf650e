"""SQL, CQL and Redis commands in usernames, passwords and names of tokens are plain text, or refused."""

import pytest

from tests.component.web.registered_users import PASSWORD, bearer, register

STATEMENTS = [
    "'; DROP TABLE users CASCADE; --",
    "' OR '1'='1' /*",
    "$$; DELETE FROM tokens; $$",
    "*1\r\n$8\r\nFLUSHALL\r\n",
    "%s %(name)s {0} $1 ?",
    '{"deleted":true}',
]
ONE_LINE = [text for text in STATEMENTS if "\n" not in text]


@pytest.fixture
async def front(make_front):
    return await make_front(names=(), auth="required")


def log_in(client, name, password, called=""):
    return client.post("/tokens/", json={"username": name, "password": password, "name": called})


@pytest.mark.parametrize("text", STATEMENTS)
async def test_a_password_is_its_text_and_no_other_is(client, text):
    await register(client, "ann", text)

    assert (await log_in(client, "ann", text)).status == 201
    assert (await log_in(client, "ann", text + " ")).status == 401


@pytest.mark.parametrize("text", STATEMENTS)
async def test_no_password_opens_anothers_door(client, problem, text):
    await register(client, "ann", PASSWORD)

    await problem(await log_in(client, "ann", text), 401, "unauthenticated")
    await problem(await log_in(client, text, PASSWORD), 401, "unauthenticated")


@pytest.mark.parametrize("text", ONE_LINE)
async def test_a_tokens_name_is_its_text(client, text):
    await register(client, "ann", PASSWORD)
    token = bearer((await (await log_in(client, "ann", PASSWORD, text)).json())["token"])

    listed = await (await client.get("/tokens/", headers=token)).json()

    assert [one["name"] for one in listed] == ["registration", text]


@pytest.mark.parametrize("text", STATEMENTS)
async def test_no_token_is_a_statement(client, problem, text):
    token = {"Authorization": "Bearer " + text.replace("\r\n", " ")}

    await problem(await client.get("/tokens/", headers=token), 401, "unauthenticated")


@pytest.mark.parametrize("text", STATEMENTS)
async def test_sql_in_a_name_finds_and_blocks_no_user(client, text):
    ann = await register(client, "ann")

    found = await client.get("/users/", params={"username": text})
    blocked = await client.post(f"/users/1/block/{text.replace('/', '')}", headers=ann)

    assert (found.status, await found.json()) in [(200, []), (400, await found.json())]
    assert blocked.status in (400, 404)
    assert await (await client.get("/users/1/blocks", headers=ann)).json() == []
