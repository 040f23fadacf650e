"""What every ResolvedLetters does, real or in memory."""

import asyncio
from datetime import UTC, datetime, timedelta

EVERYTHING = {0: (0, 100), 1: (0, 100)}


class ResolvedLettersContract:
    async def test_at_first_everything_is_open(self, resolved):
        assert await resolved.count(EVERYTHING) == 0
        assert await resolved.offsets(0, 0, 100) == set()
        assert await resolved.find(0, 1) is None

    async def test_a_resolved_letter_keeps_its_action_and_time(self, resolved):
        await resolved.resolve(0, 7, "replayed")

        action, at = await resolved.find(0, 7)

        assert action == "replayed"
        assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
        assert await resolved.find(1, 7) is None

    async def test_a_letter_resolved_twice_counts_once_with_the_last_outcome(self, resolved):
        await resolved.resolve(0, 7, "discarded")
        await resolved.resolve(0, 7, "replayed")

        assert await resolved.count(EVERYTHING) == 1
        assert (await resolved.find(0, 7))[0] == "replayed"

    async def test_two_operators_may_resolve_the_same_letters_at_once(self, resolved):
        both = [resolved.resolve(0, offset, action) for offset in range(20) for action in ("replayed", "discarded")]
        await asyncio.gather(*both)

        assert await resolved.count(EVERYTHING) == 20

    async def test_only_what_is_within_the_bounds_counts(self, resolved):
        for offset in (2, 3, 4, 5):
            await resolved.resolve(0, offset, "discarded")
            await resolved.resolve(1, offset, "discarded")

        assert await resolved.offsets(0, 3, 5) == {3, 4}
        assert await resolved.count({0: (3, 5)}) == 2
        assert await resolved.count({0: (3, 5), 1: (0, 3), 2: (0, 9)}) == 3
        assert await resolved.count({}) == 0

    async def test_letters_that_have_expired_are_forgotten(self, resolved, age):
        for offset in (2, 3, 4, 5):
            await resolved.resolve(0, offset, "discarded")
        await resolved.resolve(1, 2, "discarded")
        await age()

        await resolved.forget({0: (3, 5)})

        assert await resolved.offsets(0, 0, 100) == {3, 4}
        assert await resolved.offsets(1, 0, 100) == {2}

    async def test_recently_resolved_letters_are_kept_for_readers_with_older_bounds(self, resolved):
        await resolved.resolve(0, 7, "discarded")

        await resolved.forget({0: (3, 5)})

        assert await resolved.offsets(0, 0, 100) == {7}

    async def test_all_are_forgotten_with_their_topic(self, resolved):
        await resolved.resolve(0, 7, "discarded")
        await resolved.resolve(1, 2, "replayed")

        await resolved.forget_all()

        assert await resolved.count(EVERYTHING) == 0
