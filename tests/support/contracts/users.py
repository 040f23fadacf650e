"""What every UserStore does, real or in memory. ``users``, ``follows`` and ``outbox`` are of one empty database."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from microblog_streams.domain.errors import UsernameTaken
from microblog_streams.domain.models import IdempotencyKey
from microblog_streams.domain.topics import USER_DELETED, USER_FOLLOW, USER_UNFOLLOW
from tests.support.contracts.events import EdgeEvent, deletion, edge_event, register, waiting

NOW = datetime(2026, 5, 17, 12, 30, 0, 123456, tzinfo=UTC)
ONCE = IdempotencyKey("0123456789abcdef", b"digest")


class UsersContract:
    async def test_a_user_is_found_by_id_as_registered(self, users):
        user = await users.create("Zoë", "zoë")

        assert await users.get_many([user.id, user.id + 1]) == {user.id: user}
        assert user.username == "Zoë"
        assert user.created_at.utcoffset().total_seconds() == 0

    async def test_a_new_user_is_invisible_before_the_commit(self, users):
        seen = []

        async def look(ident):
            seen.append((ident, await users.get_many([ident]), await users.named("ada")))

        ada = await users.create("Ada", "ada", before_commit=look)
        assert seen == [(ada.id, {}, None)]

    async def test_an_empty_request_finds_no_users(self, users):
        assert await users.get_many([]) == {}

    async def test_a_user_is_found_by_the_key_of_their_name_alone(self, users):
        user = await users.create("Zoë", "zoë")

        assert await users.named("zoë") == user
        assert await users.named("Zoë") is None

    async def test_one_of_two_concurrent_registrations_gets_the_name(self, users):
        outcomes = await asyncio.gather(
            *(users.create(name, "ada") for name in ("Ada", "ADA", "ada")), return_exceptions=True
        )

        taken = [outcome for outcome in outcomes if isinstance(outcome, UsernameTaken)]
        assert len(taken) == 2
        assert len(await users.page(0, 10)) == 1

    async def test_pages_go_by_id(self, users):
        ids = await register(users, 5)

        assert [user.id for user in await users.page(0, 3)] == ids[:3]
        assert [user.id for user in await users.page(ids[2], 3)] == ids[3:]

    async def test_suspended_users_are_hidden_and_listed_with_the_first_time_and_the_last_reason(self, users):
        first, second, third, last = await register(users, 4)
        for user, reason in ((third, "spam"), (first, ""), (second, "insults"), (second, ""), (third, "more spam")):
            assert await users.suspend(user, NOW + timedelta(seconds=third - user), reason)
        assert await users.suspend(first, NOW + timedelta(days=1), "")

        assert [user.id for user in await users.page(0, 10)] == [last]
        assert await users.ids(0, 10) == [first, second, third, last]
        assert [*await users.get_many([first, last])] == [last]
        assert (await users.undeleted([first]))[first].id == first
        listed = [(each.user.id, each.at, each.reason) for each in await users.suspended_page(0, 10)]
        assert listed == [
            (first, NOW + timedelta(seconds=third - first), ""),
            (second, NOW + timedelta(seconds=third - second), "insults"),
            (third, NOW, "more spam"),
        ]
        assert [each.user.id for each in await users.suspended_page(first, 1)] == [second]

        assert await users.restore(second)
        assert await users.delete(third, NOW)
        assert (await users.ids(0, 2), await users.ids(second, 2)) == ([first, second], [last])
        assert {*await users.undeleted([first, third, last])} == {first, last}
        assert [each.user.id for each in await users.suspended_page(0, 10)] == [first]
        await users.suspend(second, NOW)
        assert [each.reason for each in await users.suspended_page(first, 10)] == [""]
        assert not await users.suspend(last + 1, NOW)

    async def test_every_live_user_is_sampled_in_time_and_no_deleted_one(self, users):
        ids = await register(users, 5)
        await users.delete(ids[2], NOW)

        drawn = [await users.draw() for _ in range(200)]

        assert set(drawn) == {*ids[:2], *ids[3:]}

    async def test_sampling_without_users_returns_none(self, users):
        assert await users.draw() is None

    async def test_a_deleted_user_is_not_found_and_their_name_is_free(self, users):
        first = await users.create("ada", "ada")

        assert await users.delete(first.id, NOW) is True
        assert await users.named("ada") is None
        second = await users.create("ada", "ada")

        assert await users.get_many([first.id, second.id]) == {second.id: second}
        assert await users.page(0, 10) == [second]
        assert await users.named("ada") == second
        assert second.id != first.id

    async def test_a_recently_deleted_users_name_is_reserved(self, users):
        first = await users.create("ada", "ada")
        await users.delete(first.id, datetime.now(UTC) - timedelta(days=29))

        for name, key, reason in [
            ("ada", "ada", "belonged to"),
            ("\u0430da", "\u0430da", "looks like the name of"),
        ]:
            with pytest.raises(UsernameTaken, match=f"{reason} a deleted user"):
                await users.create(name, key)
        with pytest.raises(UsernameTaken, match="is still reserved"):
            await users.create_once("ADA", "ada", ONCE)
        assert await users.named("ada") is None

    async def test_after_some_days_it_is_free_and_so_is_what_looks_like_it(self, users):
        first = await users.create("ada", "ada")
        await users.delete(first.id, datetime.now(UTC) - timedelta(days=31))

        second = await users.create("\u0430da", "\u0430da")

        assert await users.named("\u0430da") == second
        with pytest.raises(UsernameTaken, match="looks like the name of another user"):
            await users.create("ada", "ada")

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("paypal", "\u0440\u0430\u0443\u0440\u0430l"),  # Cyrillic
            ("scope", "\u0455\u0441\u043e\u0440\u0435"),  # all of it
            ("\u0410\u0412\u0415", "ABE"),  # the other way round
            ("ann", "\u0391NN"),  # Greek
        ],
    )
    async def test_a_name_that_looks_like_another_is_refused(self, users, one, other):
        first = await users.create(one, one.casefold())

        with pytest.raises(UsernameTaken, match="looks like the name of another user"):
            await users.create(other, other.casefold())
        with pytest.raises(UsernameTaken, match="looks like"):
            await users.create_once(other, other.casefold(), ONCE)
        assert await users.page(0, 10) == [first]

    async def test_different_names_of_one_script_do_not_look_alike(self, users):
        names = [
            "modern",
            "modem",
            "user1",
            "userl",
            "\u0131lgaz",
            "ilgaz",
            "zo\u00eb",
            "zoe",
            "\u0432\u043e\u0432",
            "bob",
        ]

        for name in names:
            await users.create(name, name)

        assert [user.username for user in await users.page(0, 20)] == names

    async def test_one_of_two_concurrent_registrations_of_lookalikes_gets_the_name(self, users):
        outcomes = await asyncio.gather(
            *(users.create(name, name) for name in ("ada", "\u0430da", "ad\u0430")), return_exceptions=True
        )

        assert len([outcome for outcome in outcomes if isinstance(outcome, UsernameTaken)]) == 2

    async def test_a_deletion_publishes_all_unfollows_and_then_itself(self, users, follows, outbox):
        ada, bob, eve, zoe = await register(users, 4)
        await follows.set(ada, bob, True, NOW)
        await follows.set(ada, eve, True, NOW)
        await follows.set(ada, zoe, True, NOW)
        await follows.set(ada, zoe, False, NOW)
        await follows.set(bob, ada, True, NOW)
        before = len(await waiting(outbox))

        await users.delete(ada, NOW)

        *unfollows, last = (await waiting(outbox))[before:]
        assert {edge_event(record) for record in unfollows} == {
            EdgeEvent(USER_UNFOLLOW, ada, bob, 2),
            EdgeEvent(USER_UNFOLLOW, ada, eve, 2),
        }
        assert last.topic == USER_DELETED
        assert (deletion(last).user_id, deletion(last).at) == (ada, NOW)
        assert last.headers == {"schema": "1"}
        assert await follows.followees(ada) == []

    async def test_a_deleted_user_shows_in_no_list(self, users, follows):
        ada, bob, eve = await register(users, 3)
        await follows.set(ada, bob, True, NOW)
        await follows.set(bob, eve, True, NOW)

        await users.delete(bob, NOW)

        assert await follows.followees(ada) == []
        assert await follows.followees_page(ada, 0, 10) == []
        assert await follows.followers_page(eve, 0, 10) == []

    async def test_the_edges_that_point_at_a_deleted_user_stay_as_they_are(self, users, follows, outbox):
        ada, bob = await register(users, 2)
        followed = await follows.set(ada, bob, True, NOW)

        await users.delete(bob, NOW)

        assert await follows.edges_page((0, 0), 10) == [followed]
        assert [record.topic for record in await waiting(outbox)] == [USER_FOLLOW, USER_DELETED]

    async def test_deleting_twice_changes_and_publishes_nothing(self, users, outbox):
        (ada,) = await register(users, 1)

        outcomes = await asyncio.gather(users.delete(ada, NOW), users.delete(ada, NOW))

        assert sorted(outcomes) == [False, True]
        assert len(await waiting(outbox)) == 1

    async def test_deleting_no_users_is_no_deletion(self, users, outbox):
        assert await users.delete(4711, NOW) is False
        assert await waiting(outbox) == []

    async def test_a_user_who_follows_very_many_can_be_deleted(self, users, follows, outbox):
        ada, *others = await register(users, 301)
        for other in others:
            await follows.set(ada, other, True, NOW)

        await users.delete(ada, NOW)

        records = (await waiting(outbox))[300:]
        assert {edge_event(record).followee for record in records[:-1]} == set(others)
        assert records[-1].topic == USER_DELETED
