"""People who registered before it was kept what their names look like."""

import asyncio
from contextlib import suppress

import pytest

from microblog_streams.domain.errors import UsernameTaken
from microblog_streams.domain.lookalikes import look
from microblog_streams.stores.postgres.migrations import fill_looks

#: The second looks like the first, the third is another user's, the fourth looks like no other.
BEFORE = ["ada", "\u0430da", "adam", "\u041e\u043b\u044c\u0433\u0430"]


@pytest.fixture
async def people(postgres):
    for name in BEFORE:
        await postgres.execute("INSERT INTO users (username, name_key) VALUES (%s, %s)", name, name.casefold())


async def looks(postgres):
    return [like for (like,) in await postgres.fetch("SELECT look FROM users ORDER BY id")]


async def test_all_users_get_a_look_unless_an_earlier_user_has_it(postgres, users, people):
    assert await fill_looks(postgres) == 3

    assert await looks(postgres) == ["ada", None, "adam", look(BEFORE[3])]
    assert [user.username for user in await users.page(0, 10)] == BEFORE
    with pytest.raises(UsernameTaken, match="looks like the name of another user"):
        await users.create("ad\u0430", "ad\u0430")


async def test_filling_again_changes_nothing(postgres, people):
    await fill_looks(postgres)
    before = await looks(postgres)

    assert await fill_looks(postgres) == 0
    assert await looks(postgres) == before


async def test_a_later_lookalike_gets_the_look_once_the_first_user_is_gone(postgres, people):
    await fill_looks(postgres)
    await postgres.execute("UPDATE users SET look = NULL, name_key = NULL, deleted_at = now() WHERE username = 'ada'")

    assert await fill_looks(postgres) == 1
    assert (await looks(postgres))[:2] == [None, "ada"]


async def test_many_are_filled_in_slices_while_others_register(postgres, users, monkeypatch):
    monkeypatch.setattr("microblog_streams.stores.postgres.migrations._SLICE_USERS", 7)
    await postgres.execute(
        "INSERT INTO users (username, name_key) SELECT 'p' || n, 'p' || n FROM generate_series(1, 100) AS n"
    )

    async def register():
        for number in range(1, 20):
            name = f"\u0440{number}"  # Cyrillic, and like one from before
            with suppress(UsernameTaken):
                await users.create(name, name)

    filled, _ = await asyncio.gather(fill_looks(postgres), register())

    ((named, different),) = await postgres.fetch("SELECT count(look), count(DISTINCT look) FROM users")
    assert named == different == 100
    assert 80 < filled <= 100
