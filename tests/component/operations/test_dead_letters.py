"""Dead letters on stores in memory: which are open, where a replay goes, and what a crash or a failure leaves."""

import pytest

from microblog_streams.dead_letters.operations import DeadLetters
from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.domain.errors import Conflict, Invalid, NotFound, StoreUnavailable
from microblog_streams.domain.topics import POST_CREATED, POST_DELETED, USER_FOLLOW
from tests.support.fakes.database import FakeDatabase
from tests.support.fakes.dead_letters import FakeDeadLetterReader, FakeResolvedLetters, FakeSourceTopics

MOVING = {"generation": 2, "partitions": 8, "next_generation": 3, "next_partitions": 16}


class Desk:
    """An operator's desk: the letters, and the deployment as it is at the moment."""

    def __init__(self):
        self.reader, self.database, self.source = FakeDeadLetterReader(), FakeDatabase(), FakeSourceTopics()
        self.resolved = FakeResolvedLetters(self.database)
        self.deployment = Deployment(1, 8)
        self.letters = DeadLetters(self.reader, self.resolved, self.source, self.look)

    async def look(self):
        return self.deployment

    async def open(self):
        return [letter.value async for letter in self.letters.all_open()]

    @property
    def published(self):
        return [topic for topic, *_ in self.source.records]


@pytest.fixture
def desk():
    return Desk()


async def test_the_oldest_come_first_whatever_their_partition(desk):
    for number in range(6):
        desk.reader.add(b"%d" % number, partition=number % 2)

    assert [letter.value for letter in await desk.letters.oldest(4)] == [b"0", b"1", b"2", b"3"]
    assert await desk.letters.count() == 6


async def test_no_more_is_read_than_is_listed(desk):
    for number in range(50):
        desk.reader.add(b"%d" % number)
    for offset in range(10):
        await desk.resolved.resolve(0, offset, "discarded")

    await desk.letters.oldest(3)

    assert desk.reader.read == ["0-10", "0-11", "0-12"]


async def test_resolved_and_expired_letters_are_neither_listed_nor_counted(desk):
    for number in range(6):
        desk.reader.add(b"%d" % number)
    await desk.letters.discard(await desk.letters.find("0-1"))
    await desk.letters.discard(await desk.letters.find("0-3"))
    desk.reader.firsts[0] = 2

    assert [letter.value for letter in await desk.letters.oldest(10)] == [b"2", b"4", b"5"]
    assert await desk.open() == [b"2", b"4", b"5"]
    assert await desk.letters.count() == 3


async def test_a_listing_forgets_what_was_resolved_of_letters_that_have_expired(desk):
    desk.reader.add(b"0")
    await desk.letters.discard(await desk.letters.find("0-0"))
    desk.resolved.age()
    desk.reader.firsts[0] = 1

    await desk.letters.oldest(10)

    assert desk.resolved.rows == {}


async def test_a_letter_is_found_by_its_id_also_when_it_is_resolved(desk):
    desk.reader.add(b"0")
    desk.reader.add(b"1", partition=1)
    await desk.letters.discard(await desk.letters.find("1-0"))

    assert (await desk.letters.find("1-0")).value == b"1"


@pytest.mark.parametrize("ident", ["0-1", "1-0", "7-0", "0-999999999999999999"])
async def test_an_unknown_letter_is_not_found(desk, ident):
    desk.reader.add(b"0")

    with pytest.raises(NotFound, match=f"dead letter {ident}"):
        await desk.letters.find(ident)


@pytest.mark.parametrize("ident", ["", "0", "0-", "-0", "0-0-0", "a-b", "0-0\n", "0-9999999999999999999", "٣-٣"])
async def test_a_malformed_id_is_refused_with_the_reason(desk, ident):
    with pytest.raises(Invalid):
        await desk.letters.find(ident)


async def test_a_replay_sends_what_was_sent_and_resolves_the_letter(desk):
    headers = (("schema", b"one\xff"), ("trace", None), ("trace", b""))
    letter = desk.reader.add(b"\x00value", headers=headers)

    await desk.letters.replay(letter)

    assert desk.source.records == [(POST_CREATED, letter.key, b"\x00value", headers)]
    assert (await desk.resolved.find(0, 0))[0] == "replayed"
    assert await desk.letters.count() == 0


async def test_a_discarded_letter_is_not_sent(desk):
    await desk.letters.discard(desk.reader.add(b"0"))

    assert desk.source.records == []
    assert (await desk.resolved.find(0, 0))[0] == "discarded"


async def test_a_replay_that_is_not_confirmed_leaves_the_letter_open(desk):
    desk.source.away = True

    with pytest.raises(StoreUnavailable):
        await desk.letters.replay(desk.reader.add(b"0"))

    assert await desk.letters.count() == 1


async def test_a_replay_that_ends_before_it_is_written_down_is_repeated(desk):
    letter = desk.reader.add(b"0")
    desk.database.away = True
    with pytest.raises(StoreUnavailable):
        await desk.letters.replay(letter)
    desk.database.away = False

    assert await desk.open() == [b"0"]
    await desk.letters.replay(letter)

    assert desk.published == [POST_CREATED, POST_CREATED]
    assert await desk.open() == []


async def test_two_operators_at_once_resolve_each_letter(desk):
    for number in range(3):
        desk.reader.add(b"%d" % number)
    seen_by_the_other = [letter async for letter in desk.letters.all_open()]

    async for letter in desk.letters.all_open():
        await desk.letters.replay(letter)
        await desk.letters.replay(seen_by_the_other.pop())

    assert await desk.letters.count() == 0
    assert len(desk.source.records) == 6


async def test_a_record_that_becomes_a_letter_again_is_not_replayed_for_ever(desk):
    desk.reader.add(b"still bad")

    async for letter in desk.letters.all_open():
        await desk.letters.replay(letter)
        desk.reader.add(letter.value)

    assert len(desk.source.records) == 1
    assert await desk.letters.count() == 1


@pytest.mark.parametrize(
    ("phase", "source", "topics"),
    [
        (Phase.COPYING, POST_CREATED, ["post.created.g2"]),
        (Phase.FILLED, "post.deleted.g2", ["post.deleted.g2"]),
        (Phase.SWITCHED, "post.created.g2", ["post.created.g3"]),
        (Phase.DRAINING, POST_DELETED, ["post.deleted.g3"]),
        (Phase.COPYING, USER_FOLLOW, ["user.follow.g2", "user.follow.g3"]),
        (Phase.SWITCHED, "user.deleted.g2", ["user.deleted.g2", "user.deleted.g3"]),
    ],
)
async def test_while_the_topics_move_a_record_goes_where_its_topics_events_go(desk, phase, source, topics):
    desk.deployment = Deployment(**MOVING, phase=phase)

    await desk.letters.replay(desk.reader.add(b"0", source=source))

    assert desk.published == topics


async def test_a_record_of_an_old_generation_goes_to_the_present_one(desk):
    desk.deployment = Deployment(3, 16)

    await desk.letters.replay(desk.reader.add(b"0"))
    await desk.letters.replay(desk.reader.add(b"1", source="user.unfollow.g2"))

    assert desk.published == ["post.created.g3", "user.unfollow.g3"]


async def test_while_follows_go_nowhere_their_letters_stay_open(desk):
    desk.deployment = Deployment(**MOVING, phase=Phase.DRAINING)

    with pytest.raises(Conflict, match="replay it later"):
        await desk.letters.replay(desk.reader.add(b"0", source=USER_FOLLOW))

    assert desk.source.records == []
    assert await desk.letters.count() == 1


@pytest.mark.parametrize("source", ["", "dead.letters", "orders", "post.created.gx", "post.created.g2.g3"])
async def test_a_record_of_a_topic_that_is_not_ours_is_not_sent_there(desk, source):
    with pytest.raises(Conflict, match="not a source topic"):
        await desk.letters.replay(desk.reader.add(b"0", source=source))

    assert desk.source.records == []
    assert await desk.letters.count() == 1
