"""What every TimelineStore does while a timeline is rebuilt: builders, takeovers, concurrent changes."""

import time

import pytest

from microblog_streams.ports import Building, TimelineState
from tests.support.contracts.timeline_entries import KEPT, OTHER, TRIM_ABOVE, down, entries, entry, whole


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
