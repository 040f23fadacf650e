"""The audit finds what is wrong with a kept timeline, whatever it is, and nothing where all is as it must be."""

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import encode_entry, entry_author, entry_post_id, new_post_id
from microblog_streams.operations.audit import Finding, FindingKind
from microblog_streams.ports import TimelineState


@pytest.fixture
async def reader(world):
    """A user (1) who follows ann (2) and bob (3); 15 posts in all, of 20 that a timeline keeps. Zoe (4) wrote one."""
    reader, ann, bob, zoe = await world.people("reader", "ann", "bob", "zoe")
    await world.follow(reader, ann, bob)
    for author in (ann, bob, reader) * 5:
        await world.write(author, "text")
    await world.write(zoe, "text")
    return reader


@pytest.fixture
async def partial(world, reader):
    """The same, with 5 posts more: the list is partial."""
    await world.write(2, *["text"] * 10)
    assert world.timelines.lists[reader].state is TimelineState.PARTIAL
    return reader


@pytest.fixture
def look(world, reader):
    return lambda: world.operations.audit.compare(reader)


@pytest.fixture
def apply_edges(world):
    """Bring about all that is on its way."""
    return world.deliver


@pytest.fixture
def apply_edges_late(world, reader):
    """Bring about all that is on its way; the first time, the reader follows ann again and then unfollows her again."""
    follows = world.operations.follows
    minds = [follows.unfollow, follows.follow]

    async def apply_edges():
        await world.deliver()
        while minds:
            await minds.pop()(reader, 2)
            await (world.deliver() if minds else world.relay())

    return apply_edges


@pytest.fixture
def confirmed(world, reader, apply_edges):
    """Look until it is certain."""

    async def confirm():
        audit = world.operations.audit
        return await audit.confirmed(reader, await audit.compare(reader), apply_edges)

    return confirm


def finding(kind, entry):
    return Finding(kind, entry_post_id(entry), entry_author(entry))


class TestRight:
    async def test_a_complete_timeline(self, look):
        assert await look() == frozenset()

    async def test_a_partial_timeline_says_nothing_of_what_is_below_its_tail(self, partial, look, world):
        assert len(world.expected(partial)) > len(world.entries(partial))
        assert await look() == frozenset()

    async def test_an_empty_one(self, world):
        (new,) = await world.people("new")
        assert await world.operations.audit.compare(new) == frozenset()

    async def test_deleted_posts_may_be_in_the_list(self, world, reader, look):
        for post in world.expected(reader)[3:9]:
            await world.operations.posts.delete(post)
        await world.deliver()
        assert len(world.entries(reader)) == 15
        assert await look() == frozenset()

    async def test_posts_of_deleted_people_may_be_in_the_list(self, world, look):
        await world.operations.users.delete(2)
        await world.deliver()
        assert await look() == frozenset()

    async def test_there_is_nothing_to_compare_where_nothing_is_kept(self, world, reader, look):
        await world.timelines.remove(reader)
        assert await look() is None
        await world.timelines.begin(reader)
        assert await look() is None


class TestWrong:
    """Each defect is named, with the post and its author, and nothing else is."""

    async def test_a_push_that_was_dropped(self, world, reader, look):
        dropped = world.entries(reader).pop(4)
        assert await look() == {finding(FindingKind.MISSING, dropped)}

    async def test_a_complete_list_misses_old_posts_too(self, world, reader, look):
        dropped = world.entries(reader).pop()
        assert await look() == {finding(FindingKind.MISSING, dropped)}

    async def test_a_push_that_was_dropped_above_the_tail_of_a_partial_list(self, world, partial, look):
        dropped = world.entries(partial).pop(-2)
        assert await look() == {finding(FindingKind.MISSING, dropped)}

    async def test_a_list_that_lost_all(self, world, reader, look):
        lost = list(world.entries(reader))
        world.entries(reader).clear()
        assert await look() == {finding(FindingKind.MISSING, entry) for entry in lost}

    async def test_an_own_post_that_is_missing(self, world, reader, look):
        (post,) = await world.write(reader, "own")
        world.entries(reader).remove(entry := world.entry(post))
        assert await look() == {finding(FindingKind.MISSING, entry)}

    async def test_a_push_that_came_twice(self, world, reader, look):
        world.entries(reader).insert(3, doubled := world.entries(reader)[3])
        assert await look() == {finding(FindingKind.DOUBLED, doubled)}

    async def test_a_post_that_is_there_twice_in_two_places(self, world, reader, look):
        world.entries(reader).insert(9, doubled := world.entries(reader)[3])
        assert await look() == {finding(FindingKind.DOUBLED, doubled)}

    async def test_a_purge_that_was_skipped(self, world, reader, look, monkeypatch):
        async def skip(*_):
            return True

        monkeypatch.setattr(world.timelines, "purge", skip)
        of_ann = [entry for entry in world.entries(reader) if entry.endswith(b"\x02")]
        await world.operations.follows.unfollow(reader, 2)
        await world.deliver()
        assert await look() == {finding(FindingKind.STRAY, entry) for entry in of_ann}

    async def test_a_post_of_another_user(self, world, reader, look):
        entry = encode_entry(new_post_id(), 4)
        await world.timelines.push([reader], entry)
        assert await look() == {finding(FindingKind.STRAY, entry)}

    async def test_a_post_that_its_authors_index_does_not_know(self, world, reader, look):
        """The list has it, and whatever is made from the index would not."""
        half = world.entries(reader)[4]
        world.posts.unindexed.add(entry_post_id(half))
        assert await look() == {finding(FindingKind.UNINDEXED, half)}

    async def test_a_deleted_post_that_the_index_does_not_know_is_no_loss(self, world, reader, look):
        half = entry_post_id(world.entries(reader)[4])
        await world.posts.delete(half, 2)
        world.posts.unindexed.add(half)
        assert await look() == frozenset()

    async def test_two_that_were_swapped(self, world, reader, look):
        entries = world.entries(reader)
        entries[6], entries[7] = entries[7], entries[6]
        assert await look() == {finding(FindingKind.MISPLACED, entries[7])}

    async def test_all_of_it_at_once(self, world, reader, look):
        entries = world.entries(reader)
        dropped = entries.pop(10)
        entries[6], entries[7] = entries[7], entries[6]
        entries.insert(2, entries[2])
        entries.insert(0, stray := encode_entry(new_post_id(), 4))
        assert await look() == {
            finding(FindingKind.MISSING, dropped),
            finding(FindingKind.MISPLACED, entries[9]),
            finding(FindingKind.DOUBLED, entries[3]),
            finding(FindingKind.STRAY, stray),
        }


class TestOnTheWay:
    """What is only late is found by a look, and by no audit."""

    async def test_a_post_whose_event_is_not_delivered_yet(self, world, look, confirmed):
        await world.operations.posts.create(2, "late")
        assert len(await look()) == 1
        assert await confirmed() == frozenset()

    @pytest.mark.parametrize(
        ("change", "other", "late"), [("follow", 4, FindingKind.MISSING), ("unfollow", 2, FindingKind.STRAY)]
    )
    async def test_a_follow_or_unfollow_that_has_no_effect_yet(
        self, world, reader, look, confirmed, change, other, late
    ):
        await getattr(world.operations.follows, change)(reader, other)
        assert {found.kind for found in await look()} == {late}
        assert await confirmed() == frozenset()

    async def test_an_unfollow_that_is_undone_and_done_again_between_two_looks(self, world, reader, apply_edges_late):
        audit = world.operations.audit
        await world.operations.follows.unfollow(reader, 2)
        assert await audit.confirmed(reader, await audit.compare(reader), apply_edges_late) == frozenset()

    async def test_what_is_wrong_stays_wrong(self, world, reader, confirmed):
        await world.operations.posts.create(2, "late")
        dropped = world.entries(reader).pop(4)
        assert await confirmed() == {finding(FindingKind.MISSING, dropped)}

    async def test_a_timeline_that_is_rebuilt_meanwhile_is_right(self, world, reader, look):
        async def rebuild():
            await world.timelines.remove(reader)

        world.entries(reader).pop(4)
        assert await world.operations.audit.confirmed(reader, await look(), rebuild) == frozenset()

    async def test_a_correct_timeline_is_compared_once(self, world, reader, look):
        async def apply_edges():
            raise AssertionError

        assert await world.operations.audit.confirmed(reader, await look(), apply_edges) == frozenset()


@pytest.mark.parametrize("store", ["redis", "postgres", "cassandra"])
async def test_a_store_that_is_away_is_no_finding(world, look, store):
    world.timelines.down = store == "redis"
    world.database.away = store == "postgres"
    world.posts.down = store == "cassandra"
    with pytest.raises(StoreUnavailable, match=store):
        await look()
