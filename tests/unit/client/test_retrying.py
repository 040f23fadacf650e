"""When a call is tried again, where, and after how long: without a network and without a clock."""

from dataclasses import dataclass, field

import pytest

from microblog_streams.client import (
    ApiError,
    Conflict,
    Invalid,
    NotFound,
    TooManyRequests,
    Unavailable,
    Unfinished,
    Unreachable,
)
from microblog_streams.client.models import Request, Response, delete, post
from microblog_streams.client.retrying import MAX_PAUSE_SECONDS, Retrying

GET = Request("GET", "/users/1")
DELETE = delete("/posts/1")
GOOD = Response(200, {})
AWAY = Response(503, {})
GONE = Response(404, {})
INCOMPLETE = Response(200, {"Timeline-State": "incomplete", "Retry-After": "2"})
LOST = Unreachable("lost")


@dataclass
class World:
    """Workers that answer as told, the last answer again and again; a clock that goes on in pauses alone."""

    answers: list
    now: float = 0.0
    called: list = field(default_factory=list)
    allowed: list = field(default_factory=list)
    pauses: list = field(default_factory=list)
    troubles: list = field(default_factory=list)
    #: What is drawn: this part of the way between two numbers.
    luck: float = 1.0

    async def send(self, url, request, seconds):
        self.called.append(url)
        self.allowed.append(seconds)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Unreachable):
            raise answer
        return answer

    async def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds

    def draw(self, low, high):
        return low + self.luck * (high - low)


def retrying(world, urls=("a",), patience=30.0):
    return Retrying(world.send, urls, patience, 12.0, world.troubles.append, lambda: world.now, world.sleep, world.draw)


@pytest.mark.parametrize("failure", [LOST, AWAY, Response(429, {}), Response(502, {}), Response(504, {})])
async def test_what_may_pass_is_tried_again(failure):
    world = World([failure, failure, GOOD])

    assert await retrying(world).call(GET) is GOOD
    assert len(world.called) == 3


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 500, 501])
async def test_what_will_not_pass_is_not_tried_again(status):
    world = World([Response(status, {})])

    with pytest.raises(ApiError):
        await retrying(world).call(GET)
    assert len(world.called) == 1


async def test_a_pause_that_outlasts_the_time_is_not_followed_by_a_try_without_an_end():
    world = World([LOST])

    async def oversleep(seconds):
        world.now += 31.0

    calls = retrying(world)
    calls.sleep = oversleep
    with pytest.raises(Unreachable):
        await calls.call(GET)
    assert world.allowed == [12.0]


async def test_a_try_that_the_deadline_cuts_short_does_not_hide_what_the_server_has_said():
    world = World([AWAY, LOST])

    async def send(url, request, seconds):
        if world.called:
            world.now += seconds
        return await world.send(url, request, seconds)

    calls = retrying(world, patience=5.0)
    calls.send = send
    with pytest.raises(Unavailable) as told:
        await calls.call(GET)
    assert len(world.called) == 2
    assert told.value.is_repeated


async def test_each_error_after_which_it_is_tried_again_is_told_and_the_last_is_raised():
    world = World([LOST, AWAY, GONE])

    with pytest.raises(NotFound):
        await retrying(world).call(GET)

    assert [type(trouble) for trouble in world.troubles] == [Unreachable, Unavailable]


async def test_not_modified_is_an_answer():
    assert (await retrying(World([Response(304, {})])).call(GET)).status == 304


async def test_pauses_double_up_to_a_limit_and_the_last_error_comes_out_when_patience_ends():
    world = World([AWAY])

    with pytest.raises(Unavailable):
        await retrying(world).call(GET)

    assert world.pauses[:6] == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, MAX_PAUSE_SECONDS])
    assert set(world.pauses[6:]) == {MAX_PAUSE_SECONDS}
    assert world.now < 30.0


async def test_a_pause_is_drawn_from_nothing_to_all_of_it():
    world = World([AWAY, AWAY, GOOD], luck=0.0)

    await retrying(world).call(GET)

    assert sum(world.pauses) == 0.0


async def test_what_the_server_asks_for_is_the_least():
    world = World([Response(503, {"Retry-After": "7"}), GOOD], luck=0.5)

    await retrying(world).call(GET)

    assert world.pauses == pytest.approx([7.1])


async def test_a_pause_beyond_patience_is_not_begun():
    world = World([Response(429, {"Retry-After": "31"})])

    with pytest.raises(TooManyRequests):
        await retrying(world).call(GET)
    assert world.pauses == []


async def test_no_try_is_given_more_time_than_patience_has_left():
    world = World([Response(503, {"Retry-After": "25"}), GOOD], luck=0.0)

    await retrying(world).call(GET)

    assert world.allowed == [12.0, 5.0]


async def test_workers_are_tried_in_turn_without_a_pause_until_all_failed():
    world = World([LOST, LOST, LOST, GOOD])

    await retrying(world, ["a", "b", "c"]).call(GET)

    assert world.called == ["a", "b", "c", "a"]
    assert len(world.pauses) == 1


async def test_a_pause_that_one_worker_asks_for_is_kept_before_the_next_is_called():
    """What is away is often behind all of them, and a budget is one for all."""
    world = World([Response(503, {"Retry-After": "2"}), GOOD], luck=0.0)

    await retrying(world, ["a", "b"]).call(GET)

    assert (world.called, world.pauses) == (["a", "b"], [2.0])


async def test_a_worker_that_answers_stays_the_one_that_is_called():
    world = World([LOST, GOOD, GOOD, GOOD])
    calls = retrying(world, ["a", "b"])

    for _ in range(3):
        await calls.call(GET)

    assert world.called == ["a", "b", "b", "b"]


async def test_a_refusal_is_no_reason_to_leave_a_worker():
    world = World([Response(400, {}), GOOD])
    calls = retrying(world, ["a", "b"])

    with pytest.raises(Invalid):
        await calls.call(GET)
    await calls.call(GET)

    assert world.called == ["a", "a"]


@pytest.mark.parametrize("first", [LOST, AWAY, Response(504, {})])
async def test_a_deletion_that_finds_nothing_after_a_try_without_an_answer_is_done(first):
    assert (await retrying(World([first, GONE])).call(DELETE)).status == 204


async def test_a_deletion_that_finds_nothing_at_first_is_an_error():
    with pytest.raises(NotFound):
        await retrying(World([GONE])).call(DELETE)


async def test_a_deletion_that_was_put_off_by_a_limit_had_no_effect():
    with pytest.raises(NotFound):
        await retrying(World([Response(429, {}), GONE])).call(DELETE)


async def test_only_deletions_are_done_when_nothing_is_found():
    with pytest.raises(NotFound):
        await retrying(World([LOST, GONE])).call(post("/users/1/follow/2"))
    with pytest.raises(NotFound):
        await retrying(World([LOST, GONE])).call(Request("DELETE", "/users/1/follow/2"))


@pytest.mark.parametrize(("first", "repeated"), [(LOST, True), (AWAY, True), (Response(429, {}), False)])
async def test_an_error_says_whether_a_try_before_may_have_taken_effect(first, repeated):
    with pytest.raises(NotFound) as refused:
        await retrying(World([first, GONE])).call(GET)
    assert refused.value.is_repeated == repeated


async def test_a_page_that_may_lack_posts_is_waited_for():
    world = World([INCOMPLETE, GOOD], luck=0.0)

    assert await retrying(world).call(GET) is GOOD
    assert world.pauses == [2.0]


async def test_a_page_that_stays_incomplete_is_an_error_or_the_page_for_who_takes_it():
    with pytest.raises(Unfinished):
        await retrying(World([INCOMPLETE])).call(GET)
    assert await retrying(World([INCOMPLETE])).call(Request("GET", "/timelines/1", whole=False)) is INCOMPLETE


async def test_a_conflict_is_told_as_it_is():
    with pytest.raises(Conflict):
        await retrying(World([Response(409, {})])).call(post("/users/"))
