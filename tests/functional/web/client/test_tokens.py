"""The client at a server that asks for tokens."""

import pytest

from microblog_streams.client import Forbidden, Identity, NotFound, Unauthenticated

ANN = Identity(1, "t0")


@pytest.fixture
async def stranger(guarded_url, open_client):
    return open_client(guarded_url)


async def test_the_token_of_a_registration_lets_its_owner_in(stranger):
    registered = await stranger.register("ann", "sesame")

    tokens = await stranger.acting_as(registered.identity).tokens()

    assert registered.token == "t0"
    assert [token.id for token in tokens] == [1]


async def test_signing_in_gives_another_token(stranger):
    new = await stranger.sign_in("ann", "sesame", "laptop")

    assert (new.user_id, new.name, new.token) == (1, "laptop", "t1")
    assert len(await stranger.acting_as(new.identity).tokens()) == 2


async def test_a_wrong_password_is_refused(stranger):
    with pytest.raises(Unauthenticated):
        await stranger.sign_in("ann", "wrong")


async def test_who_sends_no_token_is_refused_and_it_is_not_tried_again(stranger):
    with pytest.raises(Unauthenticated):
        await stranger.tokens()


async def test_a_revoked_token_lets_nobody_in(stranger):
    ann = stranger.acting_as(ANN)

    await ann.revoke(1)

    with pytest.raises(Unauthenticated):
        await ann.tokens()


async def test_a_token_that_is_not_there_cannot_be_revoked(stranger):
    with pytest.raises(NotFound):
        await stranger.acting_as(ANN).revoke(7)


async def test_what_is_anothers_is_forbidden(stranger):
    with pytest.raises(Forbidden):
        await stranger.acting_as(ANN).timeline(2).page()


async def test_blocking_and_unblocking(stranger):
    ann = stranger.acting_as(ANN)

    blocking = await ann.block(2)
    listed = [user.id async for user in ann.blocks()]
    unblocking = await ann.unblock(2)

    assert (blocking.blocker_id, blocking.blocked_id, blocking.blocking) == (1, 2, True)
    assert listed == [2]
    assert unblocking.blocking is False
