"""What every TimelineStore does, real or in memory. A binding gives ``timelines``, which keep ``KEPT`` entries."""

import random
import time

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.ports import TimelinePage, TimelineState, TimelineStore
from tests.support.contracts.timeline_entries import (
    AUTHOR,
    KEPT,
    OTHER,
    TRIM_ABOVE,
    down,
    entries,
    entry,
    numbers,
    post,
    whole,
)
from tests.support.contracts.timeline_rebuilds import RebuildContract


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
