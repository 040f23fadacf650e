"""Lost, refused and late responses: the client retries until it knows the outcome, and nothing is done twice."""

import asyncio
import time

import pytest
from aiohttp import ClientSession
from aiohttp.web import Response

from microblog_streams.client import (
    Client,
    NotFound,
    OutcomeUnknown,
    TooManyRequests,
    Unavailable,
    Unfinished,
    Unreachable,
)
from microblog_streams.domain.errors import StoreUnavailable
from web.http.idempotency import HEADER

REFUSED, LOST = "refused", "lost"


@pytest.fixture
async def ann(spoilt, open_client):
    return open_client(spoilt, user=1)


@pytest.mark.parametrize("fate", [503, 502, 504, 429, REFUSED, LOST])
async def test_a_post_is_written_once_whatever_befalls_its_first_tries(ann, gateway, fate):
    gateway.spoil = [fate, fate]

    post = await ann.post("hello")

    assert [found async for found in ann.posts()] == [post]
    assert len({headers[HEADER] for method, _, headers in gateway.seen if method == "POST"}) == 1


async def test_two_posts_have_keys_of_their_own(ann, gateway):
    await ann.post("hello")
    await ann.post("hello")

    assert len({headers[HEADER] for _, _, headers in gateway.seen}) == 2


async def test_a_user_is_registered_once_although_the_answer_was_lost(ann, gateway):
    gateway.spoil = [LOST]

    registered = await ann.register("dora")

    assert registered.user.username == "dora"


async def test_a_follow_whose_answer_was_lost_is_one_follow(ann, gateway):
    gateway.spoil = [LOST]

    assert (await ann.follow(2)).following


async def test_a_deletion_whose_answer_was_lost_is_done(ann, gateway):
    post = await ann.post("hello")
    gateway.spoil = [LOST]

    await ann.delete_post(post.post_id)

    assert [method for method, _, _ in gateway.seen] == ["POST", "DELETE", "DELETE"]


@pytest.mark.parametrize("call", ["unfollow", "unblock"])
async def test_an_end_of_a_relation_to_no_one_is_an_error_also_after_a_failure(ann, gateway, call):
    """A repeated one is answered as the first: that no one is there says nothing of the first."""
    gateway.spoil = [503]

    with pytest.raises(NotFound):
        await getattr(ann, call)(4711)


async def test_the_pause_that_the_server_asks_for_is_kept(ann, gateway):
    gateway.spoil, gateway.headers = [503], {"Retry-After": "1"}
    begun = time.monotonic()

    await ann.user(1)

    assert time.monotonic() - begun >= 1.0


async def test_a_longer_pause_than_there_is_patience_for_is_an_error_at_once(ann, gateway):
    gateway.spoil, gateway.headers = [429], {"Retry-After": "3600"}
    begun = time.monotonic()

    with pytest.raises(TooManyRequests) as refused:
        await ann.user(1)

    assert refused.value.problem.retry_after == 3600
    assert time.monotonic() - begun < 600


async def test_a_session_that_was_given_is_used_and_left_open(url, gateway, spoilt):
    async with ClientSession(headers={"X-Request-ID": "given"}) as session:
        async with Client(spoilt, session=session) as client:
            gateway.spoil = [LOST]
            await client.user(1)

        assert not session.closed
    assert [headers["X-Request-ID"] for _, _, headers in gateway.seen] == ["given", "given"]


async def test_a_refused_call_is_not_retried(ann, gateway):
    gateway.spoil = [418, 418]

    with pytest.raises(Exception, match="418"):
        await ann.user(1)

    assert len(gateway.seen) == 1


async def test_another_worker_is_tried_at_once(front, spoilt, lonely, open_client):
    client = open_client(lonely, spoilt, patience=5)

    assert (await client.user(1)).username == "ann"


async def test_waiting_for_an_unreachable_server_times_out(lonely, open_client):
    with pytest.raises(Unreachable, match=lonely):
        await open_client(lonely, patience=0.5).user(1)


async def test_a_try_that_takes_too_long_is_given_up(serve, open_client):
    async def hang(request):
        await asyncio.Event().wait()

    with pytest.raises(Unreachable, match="did not answer within"):
        await open_client(await serve(hang), patience=0.5, timeout=0.1).user(1)


async def test_a_store_that_stays_away_is_an_error_once_patience_is_out(front, url, open_client):
    front.app.fail(StoreUnavailable("postgres", "gone"))

    with pytest.raises(Unavailable, match="postgres is unavailable"):
        await open_client(url, patience=1).user(1)


async def test_an_outcome_that_stays_unknown_is_an_error_of_its_own(gateway, spoilt, open_client):
    gateway.spoil = [504] * 100

    with pytest.raises(OutcomeUnknown):
        await open_client(spoilt, patience=0.5).post("hello", author=1)


async def test_a_page_that_may_lack_posts_is_asked_for_again(serve, open_client):
    """It has no links, so a client that took it would end there and call the list complete."""
    answers = iter([{"Timeline-State": "incomplete", "Retry-After": "0"}, {}])

    async def answer(request):
        return json_response("[]", next(answers))

    page = await open_client(await serve(answer)).timeline(1).page()

    assert page.whole


async def test_a_page_that_may_lack_posts_can_be_had_as_it_is(serve, open_client):
    timeline = open_client(await serve(incomplete), patience=0.3).timeline(1)

    page = await timeline.page(whole=False)

    assert (page.whole, page.retry_after) == (False, 0.0)
    with pytest.raises(Unfinished):
        await timeline.page()


async def incomplete(request):
    return json_response("[]", {"Timeline-State": "incomplete", "Retry-After": "0"})


def json_response(text, headers):
    return Response(text=text, content_type="application/json", headers=headers)
