"""What every TimelineStore does, real or in memory. A binding gives ``timelines``, which keep ``KEPT`` entries."""

import random
import time
from collections.abc import Iterable
from uuid import UUID

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import encode_entry, entry_post_id
from microblog_streams.ports import Building, TimelinePage, TimelineState, TimelineStore

KEPT, TRIM_ABOVE = 20, 22
AUTHOR, OTHER = 1, 2**63 - 1


def post(number: int) -> UUID:
    """Return the id of the post with this number; ids sort as their numbers do, in their last bytes."""
    return UUID(int=number)


def entry(number: int, author: int = AUTHOR) -> bytes:
    return encode_entry(post(number), author)


def entries(numbers: Iterable[int], author: int = AUTHOR) -> list[bytes]:
    return [entry(number, author) for number in numbers]


def numbers(part: TimelinePage) -> list[int]:
    return [entry_post_id(each).int for each in part.entries]


async def whole(timelines: TimelineStore, user: int) -> tuple[TimelineState, list[int]]:
    part = await timelines.older(user, None, 10 * KEPT)
    return part.state, numbers(part)


def down(first: int, last: int) -> list[int]:
    return list(range(first, last - 1, -1))


class CreateContract:
    async def test_a_new_users_timeline_is_empty_and_complete(self, timelines, user):
        await timelines.create(user)
        assert await whole(timelines, user) == (TimelineState.COMPLETE, [])

    async def test_creating_a_timeline_over_a_leftover_list_deletes_it(self, timelines, user):
        await timelines.create(user)
        await timelines.push([user], entry(1))
        assert await timelines.create(user)
        assert await whole(timelines, user) == (TimelineState.COLD, [])

    async def test_after_its_deadline_nothing_is_created(self, timelines, user):
        assert not await timelines.create(user, time.monotonic() - 0.001)
        assert await whole(timelines, user) == (TimelineState.COLD, [])
        assert await timelines.create(user, time.monotonic() + 30)

    async def test_a_removed_timeline_is_cold(self, timelines, user):
        await timelines.create(user)
        await timelines.remove(user)
        assert await whole(timelines, user) == (TimelineState.COLD, [])

    async def test_warm_returns_which_timelines_exist(self, timelines, user):
        await timelines.create(user)
        assert list(await timelines.warm([user - 1, user, user + 1])) == [False, True, False]
        assert list(await timelines.warm([])) == []

    async def test_it_says_how_much_it_keeps(self, timelines):
        assert timelines.kept == KEPT

    async def test_the_run_id_stays_while_the_server_runs(self, timelines):
        assert await timelines.run_id() == await timelines.run_id() != ""


class PushContract:
    async def test_a_push_to_a_cold_timeline_is_dropped(self, timelines, user):
        assert await timelines.push([user], entry(1)) == 0
        assert await whole(timelines, user) == (TimelineState.COLD, [])

    @pytest.mark.parametrize("order", [[1, 2, 3, 4], [4, 3, 2, 1], [2, 4, 1, 3], [3, 1, 4, 2]])
    async def test_posts_come_in_any_order_and_lie_newest_first(self, timelines, user, order):
        await timelines.create(user)
        for number in order:
            assert await timelines.push([user], entry(number)) == 1
        assert await whole(timelines, user) == (TimelineState.COMPLETE, [4, 3, 2, 1])

    async def test_a_late_post_is_inserted_in_order_at_any_depth(self, timelines, user):
        await timelines.create(user)
        late = [1, 3, 7, 9, 14, 17, 20]
        for number in [*(n for n in range(1, 21) if n not in late), *late]:
            await timelines.push([user], entry(number))
        assert await whole(timelines, user) == (TimelineState.COMPLETE, down(20, 1))

    async def test_a_post_is_pushed_once(self, timelines, user):
        await timelines.create(user)
        for number in (1, 2, 3):
            await timelines.push([user], entry(number))
        assert [await timelines.push([user], entry(number)) for number in (3, 2, 1)] == [0, 0, 0]
        assert await whole(timelines, user) == (TimelineState.COMPLETE, [3, 2, 1])

    async def test_a_partial_timeline_takes_nothing_below_its_tail(self, timelines, partial):
        assert await timelines.push([partial], entry(50)) == 0
        assert await timelines.push([partial], entry(51)) == 0
        assert await timelines.push([partial], entry(61)) == 1
        assert await whole(timelines, partial) == (TimelineState.PARTIAL, down(61, 51))

    async def test_one_push_reaches_every_warm_timeline(self, timelines, user):
        warm = range(user, user + 1200, 2)
        for each in warm:
            await timelines.create(each)
        assert await timelines.push(range(user, user + 1200), entry(1)) == 600
        answers = [await whole(timelines, each) for each in (warm[0], warm[249], warm[250], warm[-1])]
        assert answers == [(TimelineState.COMPLETE, [1])] * 4

    async def test_the_same_user_twice_takes_it_once(self, timelines, user):
        await timelines.create(user)
        assert await timelines.push([user, user], entry(1)) == 1
        assert await timelines.push([], entry(2)) == 0

    async def test_a_timeline_over_its_slack_is_trimmed_to_the_limit(self, timelines, user):
        await timelines.create(user)
        for number in range(1, TRIM_ABOVE + 1):
            await timelines.push([user], entry(number))
        assert await whole(timelines, user) == (TimelineState.COMPLETE, down(TRIM_ABOVE, 1))
        await timelines.push([user], entry(TRIM_ABOVE + 1))
        assert await whole(timelines, user) == (TimelineState.PARTIAL, down(TRIM_ABOVE + 1, TRIM_ABOVE + 2 - KEPT))

    async def test_a_late_post_trims_too(self, timelines, user):
        await timelines.create(user)
        for number in [*range(2, TRIM_ABOVE + 2), 1]:
            await timelines.push([user], entry(number))
        assert await whole(timelines, user) == (TimelineState.PARTIAL, down(TRIM_ABOVE + 1, TRIM_ABOVE + 2 - KEPT))

    async def test_after_its_deadline_nothing_is_pushed(self, timelines, user):
        await timelines.create(user)
        for users in ([user], [user, user + 1]):
            with pytest.raises(StoreUnavailable):
                await timelines.push(users, entry(1), time.monotonic() - 0.001)
        assert await whole(timelines, user) == (TimelineState.COMPLETE, [])
        assert await timelines.push([user], entry(1), time.monotonic() + 30) == 1

    async def test_a_malformed_entry_is_refused(self, timelines, user):
        with pytest.raises(ValueError, match="24 bytes"):
            await timelines.push([user], b"E")


class PageContract:
    async def test_pages_go_down_without_gap_or_double(self, timelines, user):
        await timelines.create(user)
        for number in range(1, 11):
            await timelines.push([user], entry(number))
        pages = [numbers(await timelines.older(user, before, 4)) for before in (None, post(7), post(3), post(1))]
        assert pages == [[10, 9, 8, 7], [6, 5, 4, 3], [2, 1], []]

    async def test_a_page_may_start_at_a_missing_position(self, timelines, partial):
        await timelines.purge(partial, OTHER)
        assert numbers(await timelines.older(partial, post(10**9), 2)) == [60, 59]
        assert await timelines.older(partial, post(51), 2) == TimelinePage(TimelineState.PARTIAL, [])
        assert await timelines.older(partial, post(5), 2) == TimelinePage(TimelineState.PARTIAL, [])

    async def test_newer_returns_the_next_entries_above(self, timelines, partial):
        assert numbers(await timelines.newer(partial, post(54), 3)) == [57, 56, 55]
        assert numbers(await timelines.newer(partial, post(58), 3)) == [60, 59]
        assert await timelines.newer(partial, post(60), 3) == TimelinePage(TimelineState.PARTIAL, [])

    async def test_newer_returns_nothing_below_a_partial_tail(self, timelines, partial):
        assert await timelines.newer(partial, post(50), 3) == TimelinePage(TimelineState.COLD, ())
        assert numbers(await timelines.newer(partial, post(51), 1)) == [52]

    async def test_newer_than_everything_missing_in_a_complete_timeline_is_its_end(self, timelines, user):
        await timelines.create(user)
        assert await timelines.newer(user, post(1), 3) == TimelinePage(TimelineState.COMPLETE, [])
        await timelines.push([user], entry(5))
        await timelines.push([user], entry(6, OTHER))
        assert numbers(await timelines.newer(user, post(1), 1)) == [5]
        assert numbers(await timelines.newer(user, post(5), 1)) == [6]
        assert numbers(await timelines.newer(user, post(6), 1)) == []

    async def test_cold_pages_are_cold(self, timelines, user):
        assert await timelines.older(user, None, 3) == TimelinePage(TimelineState.COLD, ())
        assert await timelines.older(user, post(1), 3) == TimelinePage(TimelineState.COLD, ())
        assert await timelines.newer(user, post(1), 3) == TimelinePage(TimelineState.COLD, ())

    async def test_a_limit_of_zero_returns_nothing(self, timelines, partial):
        assert await timelines.older(partial, None, 0) == TimelinePage(TimelineState.PARTIAL, [])
        assert await timelines.newer(partial, post(55), 0) == TimelinePage(TimelineState.PARTIAL, [])


class MergeContract:
    async def test_a_cold_timeline_stays_cold(self, timelines, user):
        assert await timelines.merge(user, entries([1]))
        assert await whole(timelines, user) == (TimelineState.COLD, [])

    async def test_a_backfill_merges_in_order_without_duplicates(self, timelines, user):
        await timelines.create(user)
        for number in (2, 4, 6):
            await timelines.push([user], entry(number))
        for _ in range(2):
            assert await timelines.merge(user, entries([7, 1, 4, 3, 3], OTHER) + entries([6]))
        assert await whole(timelines, user) == (TimelineState.COMPLETE, [7, 6, 4, 4, 3, 2, 1])

    async def test_nothing_is_added_below_a_partial_tail(self, timelines, partial):
        """Others' posts are missing there, so a single author's would be a list with holes."""
        assert await timelines.merge(partial, entries([40, 50, 70], OTHER))
        assert await whole(timelines, partial) == (TimelineState.PARTIAL, [70, *down(60, 51)])

    async def test_a_merge_beyond_the_limit_keeps_exactly_the_newest(self, timelines, user):
        await timelines.create(user)
        for number in range(1, TRIM_ABOVE + 1):
            await timelines.push([user], entry(2 * number))
        await timelines.merge(user, entries([43, 1]))
        assert await whole(timelines, user) == (TimelineState.PARTIAL, [44, 43, *range(42, 6, -2)])

    @pytest.mark.parametrize(("count", "state"), [(KEPT - 1, TimelineState.COMPLETE), (KEPT, TimelineState.PARTIAL)])
    async def test_a_history_of_exactly_the_limit_is_partial(self, timelines, user, count, state):
        """A backfill brings an author's newest KEPT posts, so a list that it filled may have older ones elsewhere."""
        await timelines.create(user)
        await timelines.merge(user, entries(range(100, 100 + count)))
        assert await whole(timelines, user) == (state, down(99 + count, 100))

    async def test_nothing_to_merge_changes_nothing(self, timelines, partial):
        assert await timelines.merge(partial, [])
        assert await whole(timelines, partial) == (TimelineState.PARTIAL, down(60, 51))

    async def test_after_its_deadline_nothing_is_merged(self, timelines, partial):
        assert not await timelines.merge(partial, entries([70]), time.monotonic() - 0.001)
        assert await whole(timelines, partial) == (TimelineState.PARTIAL, down(60, 51))

    async def test_before_its_deadline_it_is(self, timelines, partial):
        assert await timelines.merge(partial, entries([61]), time.monotonic() + 30)
        assert await whole(timelines, partial) == (TimelineState.PARTIAL, down(61, 51))


class PurgeContract:
    async def test_a_purge_removes_only_that_authors_posts(self, timelines, user):
        await timelines.create(user)
        for number, author in [(1, AUTHOR), (2, OTHER), (3, AUTHOR), (4, 256)]:
            await timelines.push([user], entry(number, author))
        assert await timelines.purge(user, AUTHOR)
        assert await whole(timelines, user) == (TimelineState.COMPLETE, [4, 2])

    async def test_a_complete_timeline_stays_complete_without_posts(self, timelines, user):
        await timelines.create(user)
        await timelines.push([user], entry(1))
        await timelines.purge(user, AUTHOR)
        assert await whole(timelines, user) == (TimelineState.COMPLETE, [])
        assert await timelines.push([user], entry(2)) == 1

    async def test_a_partial_timeline_shrinks_and_stays_partial(self, timelines, partial):
        await timelines.merge(partial, entries([52, 70], OTHER))
        await timelines.purge(partial, AUTHOR)
        assert await whole(timelines, partial) == (TimelineState.PARTIAL, [70, 52])

    async def test_a_partial_timeline_without_posts_is_cold(self, timelines, partial):
        """It would not know where it ends; the next read rebuilds it from the posts that are older."""
        await timelines.purge(partial, AUTHOR)
        assert await whole(timelines, partial) == (TimelineState.COLD, [])

    async def test_purging_no_timelines_changes_nothing(self, timelines, partial, user):
        assert await timelines.purge(partial, OTHER)
        assert await whole(timelines, partial) == (TimelineState.PARTIAL, down(60, 51))
        assert await timelines.purge(user + 1, AUTHOR)
        assert await whole(timelines, user + 1) == (TimelineState.COLD, [])

    async def test_after_its_deadline_nothing_is_purged(self, timelines, partial):
        assert not await timelines.purge(partial, AUTHOR, time.monotonic() - 0.001)
        assert await whole(timelines, partial) == (TimelineState.PARTIAL, down(60, 51))

    async def test_before_its_deadline_it_is(self, timelines, partial):
        assert await timelines.purge(partial, AUTHOR, time.monotonic() + 30)
        assert await whole(timelines, partial) == (TimelineState.COLD, [])


class RebuildContract:
    async def test_only_one_builder_creates_a_cold_timeline(self, timelines, user):
        building = await timelines.begin(user)
        assert building is not None
        assert building.changes == 0
        assert await timelines.begin(user) is None
        assert await timelines.building(user) == building
        assert await whole(timelines, user) == (TimelineState.BUILDING, [])

    async def test_a_warm_timeline_is_not_created_again(self, timelines, partial):
        assert await timelines.begin(partial) is None
        assert await timelines.begin(partial, takeover=bytes(16)) is None
        assert await timelines.building(partial) is None
        assert await timelines.building(partial + 1) is None

    async def test_new_and_late_posts_are_pushed_during_a_rebuild(self, timelines, user):
        building = await timelines.begin(user)
        for number in (5, 9, 1):
            assert await timelines.push([user], entry(number)) == 1
        assert await whole(timelines, user) == (TimelineState.BUILDING, [9, 5, 1])
        assert await timelines.building(user) == building

    async def test_finishing_adds_the_rebuilt_entries(self, timelines, user):
        building = await timelines.begin(user)
        await timelines.push([user], entry(9))
        assert await timelines.finish(user, building, entries([9, 3, 1, 2]), complete=True)
        assert await whole(timelines, user) == (TimelineState.COMPLETE, [9, 3, 2, 1])
        assert await timelines.building(user) is None

    async def test_an_empty_history_is_complete(self, timelines, user):
        building = await timelines.begin(user)
        assert await timelines.finish(user, building, [], complete=True)
        assert await whole(timelines, user) == (TimelineState.COMPLETE, [])

    async def test_a_partial_history_ends_at_its_last_entry(self, timelines, user):
        building = await timelines.begin(user)
        for number in (3, 7):
            await timelines.push([user], entry(number))
        assert await timelines.finish(user, building, entries([6, 5]), complete=False)
        assert await whole(timelines, user) == (TimelineState.PARTIAL, [7, 6, 5])

    async def test_a_partial_history_needs_entries(self, timelines, user):
        building = await timelines.begin(user)
        with pytest.raises(ValueError, match="no entries"):
            await timelines.finish(user, building, [], complete=False)

    @pytest.mark.parametrize(
        ("count", "state"), [(KEPT - 1, TimelineState.COMPLETE), (KEPT + 3, TimelineState.PARTIAL)]
    )
    async def test_a_history_over_the_limit_is_partial(self, timelines, user, count, state):
        building = await timelines.begin(user)
        assert await timelines.finish(user, building, entries(range(1, count + 1)), complete=True)
        assert await whole(timelines, user) == (state, down(count, 1)[:KEPT])

    async def test_a_concurrent_backfill_makes_finishing_fail(self, timelines, user):
        begun = await timelines.begin(user)
        await timelines.merge(user, entries([4], OTHER))
        now = await timelines.building(user)
        assert now == Building(begun.token, begun.changes + 1)
        assert not await timelines.finish(user, begun, entries([1]), complete=True)
        assert await timelines.finish(user, now, entries([1]), complete=True)
        assert await whole(timelines, user) == (TimelineState.COMPLETE, [4, 1])

    async def test_a_concurrent_purge_makes_finishing_fail(self, timelines, user):
        begun = await timelines.begin(user)
        await timelines.push([user], entry(4, OTHER))
        await timelines.purge(user, OTHER)
        now = await timelines.building(user)
        assert not await timelines.finish(user, begun, entries([4], OTHER), complete=True)
        assert await timelines.finish(user, now, entries([1]), complete=True)
        assert await whole(timelines, user) == (TimelineState.COMPLETE, [1])

    async def test_the_change_counter_goes_on_past_one_byte(self, timelines, user):
        await timelines.begin(user)
        for _ in range(257):
            await timelines.purge(user, OTHER)
        now = await timelines.building(user)
        assert now.changes == 257
        assert await timelines.finish(user, now, [], complete=True)

    async def test_a_late_change_does_not_count(self, timelines, user):
        begun = await timelines.begin(user)
        await timelines.merge(user, entries([4]), time.monotonic() - 0.001)
        await timelines.purge(user, OTHER, time.monotonic() - 0.001)
        assert await timelines.building(user) == begun

    async def test_a_dead_builders_timeline_is_taken_over_with_what_was_pushed(self, timelines, user):
        dead = await timelines.begin(user)
        await timelines.push([user], entry(4))
        await timelines.merge(user, entries([2], OTHER))
        mine = await timelines.begin(user, takeover=dead.token)
        assert mine == Building(mine.token, 1) != Building(dead.token, 1)
        assert await timelines.building(user) == mine
        assert await timelines.begin(user, takeover=dead.token) is None
        assert not await timelines.finish(user, Building(dead.token, mine.changes), [], complete=True)
        assert await timelines.finish(user, mine, entries([1]), complete=True)
        assert await whole(timelines, user) == (TimelineState.COMPLETE, [4, 2, 1])

    async def test_a_builder_that_renews_its_mark_is_not_taken_over(self, timelines, user):
        begun = await timelines.begin(user)
        await timelines.push([user], entry(4))
        mine = await timelines.renew(user, begun)
        assert mine == Building(mine.token, 0) != begun
        assert await timelines.begin(user, takeover=begun.token) is None
        assert not await timelines.finish(user, begun, entries([1]), complete=True)
        assert await timelines.finish(user, mine, entries([1]), complete=True)
        assert await whole(timelines, user) == (TimelineState.COMPLETE, [4, 1])

    async def test_what_changed_before_a_renewal_still_counts(self, timelines, user):
        begun = await timelines.begin(user)
        await timelines.purge(user, OTHER)
        mine = await timelines.renew(user, begun)
        assert not await timelines.finish(user, mine, [], complete=True)
        assert await timelines.building(user) == Building(mine.token, 1)

    async def test_a_missing_or_foreign_mark_is_not_renewed(self, timelines, user):
        dead = await timelines.begin(user)
        other = await timelines.begin(user, takeover=dead.token)
        assert await timelines.renew(user, dead) is None
        assert await timelines.building(user) == other
        await timelines.remove(user)
        assert await timelines.renew(user, other) is None
        assert await timelines.building(user) is None

    async def test_a_takeover_of_a_removed_timeline_starts_again(self, timelines, user):
        dead = await timelines.begin(user)
        await timelines.remove(user)
        mine = await timelines.begin(user, takeover=dead.token)
        assert await timelines.building(user) == mine == Building(mine.token, 0)

    async def test_finishing_a_removed_timeline_fails(self, timelines, user):
        begun = await timelines.begin(user)
        await timelines.remove(user)
        assert not await timelines.finish(user, begun, entries([1]), complete=True)
        assert await whole(timelines, user) == (TimelineState.COLD, [])

    async def test_trimming_does_not_end_a_rebuild(self, timelines, user):
        """Only the builder knows when the list has no holes any more."""
        begun = await timelines.begin(user)
        for number in range(1, TRIM_ABOVE + 2):
            await timelines.push([user], entry(number))
        assert await whole(timelines, user) == (TimelineState.BUILDING, down(TRIM_ABOVE + 1, TRIM_ABOVE + 2 - KEPT))
        await timelines.merge(user, entries(range(50, 60), OTHER))
        assert await whole(timelines, user) == (TimelineState.BUILDING, [*down(59, 50), *down(TRIM_ABOVE + 1, 14)])
        assert await timelines.building(user) == Building(begun.token, 1)

    async def test_a_trim_during_the_rebuild_makes_the_result_partial(self, timelines, user):
        """The whole history as it was read lacks a post that came after the reading and was trimmed away."""
        begun = await timelines.begin(user)
        for number in range(1, TRIM_ABOVE + 2):
            await timelines.push([user], entry(number))
        assert await timelines.finish(user, begun, [], complete=True)
        assert await whole(timelines, user) == (TimelineState.PARTIAL, down(TRIM_ABOVE + 1, TRIM_ABOVE + 2 - KEPT))


class TimelineContract(CreateContract, PushContract, PageContract, MergeContract, PurgeContract, RebuildContract):
    """All of it."""

    @pytest.fixture
    def user(self) -> int:
        """A user whom no other test knows."""
        return random.getrandbits(62)

    @pytest.fixture
    async def partial(self, timelines: TimelineStore, user: int) -> int:
        """A user whose timeline holds the posts 51 to 60 and says that there are older ones."""
        building = await timelines.begin(user)
        assert building
        assert await timelines.finish(user, building, entries(range(51, 61)), complete=False)
        return user
