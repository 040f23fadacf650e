"""The command line: its arguments, its output for people, and its output with ``--json``."""

import asyncio
import json

import pytest
from aiohttp.web import json_response

from tests.support.waiting import DEADLINE_SECONDS

GRUESSE = "Gr\u00fc\u00dfe, \u4e16\u754c"


@pytest.fixture
async def dora(microblog):
    """Dora (4), who registered here and so is who acts."""
    assert (await microblog("register", "dora")).exit_code == 0


def lines(result):
    assert (result.exit_code, result.stderr) == (0, "")
    return [line.split("\t") for line in result.stdout.splitlines()]


def document(result):
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


async def test_who_registers_is_who_acts(microblog):
    registered = await microblog("register", "dora")
    who = await microblog("whoami")

    assert registered.stdout == "Registered dora (id 4).\n"
    assert who.stdout.startswith("dora (id 4) at http://127.0.0.1:")


async def test_following_posting_and_reading(microblog, dora):
    await microblog("--as", "bob", "post", "Hello from bob")
    followed = await microblog("follow", "bob")
    posted = await microblog("post", GRUESSE)
    followees = await microblog("followees")
    followers = await microblog("followers", "bob")
    timeline = await microblog("timeline")

    assert followed.stdout == "You follow bob.\n"
    assert posted.stdout.startswith("Posted 0")
    assert [name for _, name, _ in lines(followees)] == ["bob"]
    assert [name for _, name, _ in lines(followers)] == ["dora"]
    assert [(author, text) for _, author, text, _ in lines(timeline)] == [("dora", GRUESSE)]


async def test_a_profile_is_shown_and_changed(microblog, dora):
    changed = await microblog(
        "profile", "--display-name", "Dora E.", "--link", "https://a.example", "--link", "https://b.example"
    )
    await microblog("profile", "--no-links")
    other = await microblog("profile", "bob", "--note", "x")

    assert ["display name", "Dora E."] in lines(changed)
    assert ["links", "https://a.example/ https://b.example/"] in lines(changed)
    shown = document(await microblog("profile", "--json"))
    assert (shown["displayName"], shown["links"], shown["followers"]) == ("Dora E.", [], 0)
    assert ["name", "bob"] in lines(await microblog("profile", "bob"))
    assert (other.exit_code, "only your own profile" in other.stderr) == (2, True)


async def test_unfollowing(microblog, dora):
    await microblog("follow", "2")
    result = await microblog("unfollow", "2")

    assert result.stdout == "You do not follow bob.\n"
    assert lines(await microblog("followees")) == []


async def test_deleting_a_post(microblog, dora):
    post = document(await microblog("post", "oh no", "--json"))

    deleted = await microblog("delete", post["postId"])

    assert deleted.stdout == f"Deleted {post['postId']}.\n"
    assert lines(await microblog("posts")) == []


async def test_a_post_from_stdin(microblog, dora):
    await microblog("post", "-", stdin=f"{GRUESSE}\nsecond line\n")

    [post] = document(await microblog("posts", "--json"))
    assert post["content"] == f"{GRUESSE}\nsecond line"


async def test_json_is_one_document_and_nothing_else(microblog):
    registered = document(await microblog("--json", "register", "dora"))
    followed = document(await microblog("follow", "bob", "--json"))
    posted = document(await microblog("--json", "post", "Hello"))
    timeline = document(await microblog("timeline", "--json"))

    assert (registered["id"], registered["username"]) == (4, "dora")
    assert followed == {"followerId": 4, "followeeId": 2, "following": True}
    assert timeline == [posted]


async def test_a_list_ends_at_its_limit_or_with_all_of_it(microblog, dora, front):
    for number in range(25):
        await front.app.operations.posts.create(4, str(number))

    assert len(lines(await microblog("posts"))) == 20
    assert len(lines(await microblog("posts", "--limit", "3"))) == 3
    assert len(lines(await microblog("posts", "--all"))) == 25


async def test_the_public_timeline_is_shown_without_an_account(microblog, front):
    await front.app.operations.posts.create(1, "for everybody")

    assert [text for _, _, text, _ in lines(await microblog("timeline", "--public"))] == ["for everybody"]


async def test_people_are_named_by_id_by_name_and_after_an_at(microblog, front):
    await front.app.operations.users.create("2026")

    assert [name for _, name, _ in lines(await microblog("--as", "2", "followees", "1"))] == []
    assert (await microblog("--as", "ann", "follow", "@2026")).stdout == "You follow 2026.\n"
    assert (await microblog("--as", "ann", "follow", "CLEO")).stdout == "You follow cleo.\n"


async def test_watching_shows_new_posts_as_they_come(microblog, dora, front):
    watching = asyncio.create_task(microblog("--json", "watch", "--every", "0.5", "--count", "2"))
    async with asyncio.timeout(DEADLINE_SECONDS):
        number = 0
        while not watching.done():
            await front.app.operations.posts.create(4, f"number {number}")
            number += 1
            await asyncio.wait([watching], timeout=0.2)
    first, second = (json.loads(line) for line in (await watching).stdout.splitlines())

    assert first["postId"] < second["postId"]
    assert int(second["content"].split()[1]) == int(first["content"].split()[1]) + 1


async def test_what_others_wrote_is_shown_and_not_obeyed(microblog, serve):
    evil = "\x1b[2J\x07[red]me[/red]\n\u202eyou\x9b1m"
    page = [
        {
            "postId": "01a20d6d-64e5-7c3b-8d2e-6f1a2b3c4d5e",
            "userId": 1,
            "username": "a\x1b[1m",
            "content": evil,
            "createdAt": "2026-11-24T12:00:00Z",
        }
    ]

    async def answer(request):
        return json_response(page)

    at = await serve(answer)
    [shown] = lines(await microblog("posts", "1", at=at))
    [told] = document(await microblog("posts", "1", "--json", at=at))

    assert shown[1:3] == ["a[1m", "[2J[red]me[/red] you1m"]
    assert told["content"] == evil
