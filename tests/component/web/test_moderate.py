"""The command ``moderate`` against a worker: what it does, prints, and says where it cannot."""

import json

import pytest
from pydantic import SecretStr

from microblog_streams.commands.moderate import check, execute, operator
from microblog_streams.domain.errors import SetupError
from tests.component.web.registered_users import PASSWORD, log_in, register


@pytest.fixture
async def front(make_front):
    return await make_front(names=(), auth="required")


@pytest.fixture
async def ann(client):
    return await register(client, "ann", PASSWORD)


@pytest.fixture
def moderate(front, client):
    """Run the command with the settings of the worker, or with others."""

    async def run(action, target=None, reason="", as_json=False, **settings):
        check(action, target, reason)
        async with operator(front.app.settings.model_copy(update=settings), str(client.make_url(""))) as worker:
            return await execute(worker, action, target or "", reason, as_json)

    return run


async def test_a_user_is_suspended_listed_and_restored_by_name(client, ann, moderate):
    assert await moderate("suspend", "@ANN", "Advertising,\nthree times") == "user 1 is suspended"
    assert (await client.get("/users/1")).status == 404
    ident, name, since, reason = (await moderate("list")).split("\t")
    assert (ident, name, reason) == ("1", "ann", "Advertising, three times")
    assert since.endswith("Z")
    assert [each["userId"] for each in json.loads(await moderate("list", as_json=True))] == [1]

    assert await moderate("restore", "Ann") == "user 1 is restored"
    assert (await client.get("/users/1")).status == 200
    assert await moderate("list") == "no user is suspended"


async def test_a_long_list_is_whole(client, ann, moderate):
    for number in range(120):
        await register(client, f"user{number}")
        await moderate("suspend", str(number + 2))

    assert len((await moderate("list")).splitlines()) == 120


async def test_a_post_is_removed_by_its_id_or_address(client, ann, moderate):
    for before in ("", "https://microblog.example/@ann/"):
        answer = await client.post("/posts/", json={"userId": 1, "content": "Unwanted"}, headers=ann)
        post = (await answer.json())["postId"]

        assert await moderate("remove-post", before + post) == f"post {before}{post} is removed"
        assert (await client.get(f"/posts/{post}")).status == 404


async def test_a_new_password_is_printed(client, ann, moderate):
    password = await moderate("reset-password", "1")

    assert "Authorization" in await log_in(client, "ann", password)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("suspend", "zoe"), "there is no user named zoe"),
        (("suspend", "17"), "There is no user 17."),
        (("suspend", "1", "x" * 501), "reason"),
        (("restore", "ann"), "no user named ann is suspended"),
        (("remove-post", "that"), "postId"),
        (("remove-post", "01a20d6d-64e5-7c3b-8d2e-6f1a2b3c4d5e"), "There is no post"),
        (("suspend",), "needs a user"),
        (("remove-post",), "needs the id of a post"),
        (("list", "ann"), "takes neither"),
        (("restore", "ann", "sorry"), "takes no --reason"),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_line(ann, moderate, arguments, said):
    with pytest.raises(SetupError, match=said):
        await moderate(*arguments)


async def test_a_wrong_or_missing_admin_token_is_said(ann, moderate):
    with pytest.raises(SetupError, match="does not take the admin token"):
        await moderate("suspend", "1", admin_token=SecretStr("wrong"))
    with pytest.raises(SetupError, match="MICROBLOG_ADMIN_TOKEN is not set"):
        await moderate("list", admin_token=None)
