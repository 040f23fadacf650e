"""What every ProfileStore does, real or in memory. All fixtures are stores of one empty database."""

from datetime import UTC, datetime, timedelta

import pytest

from microblog_streams.domain.errors import NotFound
from microblog_streams.domain.events import UserChanged
from microblog_streams.domain.models import FollowCounts, Profile, ProfileChange
from microblog_streams.domain.topics import USER_CHANGED
from tests.support.contracts.events import register, waiting

NOW = datetime(2026, 5, 17, 12, 30, 0, 123456, tzinfo=UTC)
NOTHING = ProfileChange()


class ProfilesContract:
    async def test_a_new_users_page_is_empty(self, profiles, users):
        ada = await users.create("Ada", "ada")

        assert await profiles.get(ada.id) == Profile(ada)
        assert await profiles.counts(ada.id) == FollowCounts(0, 0)

    async def test_a_change_sets_the_fields_that_it_has(self, profiles, users):
        (ada,) = await register(users, 1)

        await profiles.change(ada, ProfileChange("Ada L.", "first", ("https://one.example/",)), NOW)
        changed = await profiles.change(ada, ProfileChange(note="second"), NOW)

        assert (changed.user.display_name, changed.note, changed.links) == (
            "Ada L.",
            "second",
            ("https://one.example/",),
        )
        assert await profiles.get(ada) == changed
        assert (await users.get_many([ada]))[ada] == changed.user

    async def test_texts_and_links_can_be_removed(self, profiles, users):
        (ada,) = await register(users, 1)
        await profiles.change(ada, ProfileChange("Ada", "note", ("https://one.example/",)), NOW)

        emptied = await profiles.change(ada, ProfileChange("", "", ()), NOW)

        assert (emptied.user.display_name, emptied.note, emptied.links) == ("", "", ())

    async def test_a_display_name_is_in_lists_and_searches(self, profiles, users, follows):
        ada, bob = await register(users, 2)
        await profiles.change(ada, ProfileChange("Ada L."), NOW)
        await follows.set(ada, bob, True, NOW)
        await follows.set(bob, ada, True, NOW)

        lists = [
            await users.page(0, 1),
            await follows.followers_page(bob, 0, 9),
            await follows.followees_page(bob, 0, 9),
        ]

        assert [[user.display_name for user in page] for page in lists] == [["Ada L."]] * 3

    async def test_each_change_is_an_event_with_the_whole_profile(self, profiles, users, outbox):
        ada = await users.create("Ada", "ada")
        before = len(await waiting(outbox))
        at = ada.created_at + timedelta(hours=1)

        await profiles.change(ada.id, ProfileChange("A.", "note", ("https://one.example/",)), at)

        [record] = (await waiting(outbox))[before:]
        assert record.topic == USER_CHANGED
        assert UserChanged.model_validate_json(record.value) == UserChanged(
            user_id=ada.id, username="Ada", display_name="A.", note="note", links=("https://one.example/",), at=at
        )

    async def test_no_change_is_older_than_the_user(self, profiles, users, outbox):
        """Its time is the clock's of a worker, which may be behind PostgreSQL's."""
        ada = await users.create("Ada", "ada")

        await profiles.change(ada.id, ProfileChange("A."), ada.created_at - timedelta(seconds=1))

        *_, record = await waiting(outbox)
        assert UserChanged.model_validate_json(record.value).at == ada.created_at

    async def test_a_deleted_user_has_no_page_to_change(self, profiles, users, outbox):
        (ada,) = await register(users, 1)
        await users.delete(ada, NOW)
        before = len(await waiting(outbox))

        with pytest.raises(NotFound):
            await profiles.change(ada, ProfileChange("Ada"), NOW)
        assert await profiles.get(ada) is None
        assert len(await waiting(outbox)) == before

    async def test_follows_are_counted_on_both_sides(self, profiles, users, follows):
        ada, bob, eve = await register(users, 3)
        for follower, followee in ((ada, bob), (eve, bob), (bob, ada)):
            await follows.set(follower, followee, True, NOW)

        assert await self.all_counts(profiles, ada, bob, eve) == [(1, 1), (2, 1), (0, 1)]

    async def test_repeated_follows_and_unfollows_count_once(self, profiles, users, follows):
        ada, bob = await register(users, 2)
        for following in (True, True, False, False, True):
            await follows.set(ada, bob, following, NOW)
        assert await self.all_counts(profiles, ada, bob) == [(0, 1), (1, 0)]

        await follows.set(ada, bob, False, NOW)
        assert await self.all_counts(profiles, ada, bob) == [(0, 0), (0, 0)]

    async def test_a_corrected_edge_is_counted_as_it_is(self, profiles, users, follows):
        ada, bob = await register(users, 2)
        edge = await follows.set(ada, bob, True, NOW)

        await follows.correct([edge.__class__(ada, bob, False, edge.version + 7, NOW)])
        await follows.correct([edge.__class__(bob, ada, True, 9, NOW)])

        assert await self.all_counts(profiles, ada, bob) == [(0, 1), (1, 0)]

    async def test_the_follows_of_a_deleted_user_are_not_counted(self, profiles, users, follows):
        ada, bob, eve = await register(users, 3)
        await follows.set(ada, bob, True, NOW)
        await follows.set(ada, eve, True, NOW)

        await users.delete(ada, NOW)

        assert await self.all_counts(profiles, bob, eve) == [(0, 0), (0, 0)]

    async def test_after_a_sweep_a_deleted_followee_is_not_counted(self, profiles, users, follows):
        famous, other, *fans = await register(users, 7)
        for fan in fans:
            await follows.set(fan, famous, True, NOW)
            await follows.set(fan, other, True, NOW)
        await users.delete(famous, NOW)

        while await profiles.sweep(2) == 2:
            pass

        assert await self.all_counts(profiles, *fans) == [(0, 1)] * len(fans)

    async def test_a_sweep_leaves_the_counts_as_they_are(self, profiles, users, follows):
        ada, bob, *fans = await register(users, 6)
        for fan in fans:
            await follows.set(fan, ada, True, NOW)
            await follows.set(bob, fan, True, NOW)
        await profiles.sweep(5)
        await follows.set(fans[0], ada, False, NOW)
        while await profiles.sweep(5) == 5:
            pass
        await follows.set(ada, bob, True, NOW)

        assert await self.all_counts(profiles, ada, bob) == [(3, 1), (1, 4)]

    async def test_followers_of_several_are_counted_before_and_after_a_sweep(self, profiles, users, follows):
        ada, bob, eve = await register(users, 3)
        await follows.set(bob, ada, True, NOW)
        await profiles.sweep(5)
        await follows.set(eve, ada, True, NOW)
        await follows.set(ada, eve, True, NOW)

        found = await profiles.followers([ada, bob, eve])

        assert [found.get(user, 0) for user in (ada, bob, eve)] == [2, 0, 1]

    async def test_a_changed_profile_tells_how_many_follow(self, profiles, users, follows, outbox):
        ada, bob = await register(users, 2)
        await follows.set(bob, ada, True, NOW)

        await profiles.change(ada, ProfileChange("Ada"), NOW)

        *_, record = await waiting(outbox)
        assert UserChanged.model_validate_json(record.value).followers == 1

    async def all_counts(self, profiles, *users):
        return [tuple(await profiles.counts(user)) for user in users]
