"""The client and the command line on a server that requires tokens."""

import json

import pytest

from microblog_streams.client import Blocked, Forbidden, Identity, NotFound, Unauthenticated

PASSWORD = "correct horse"


@pytest.fixture
def ann(strict_ann):
    return strict_ann


@pytest.fixture
async def bob(stranger):
    return stranger.acting_as((await stranger.register("bob")).identity)


async def test_the_token_of_a_registration_is_valid(ann):
    post = await ann.post("Hello")

    assert [found async for found in ann.timeline()] == [post]


async def test_a_second_token_acts_too_until_it_is_revoked(stranger, ann):
    new = await stranger.sign_in("ann", PASSWORD, "phone")
    phone = stranger.acting_as(new.identity)
    await phone.post("from the phone")

    names = {token.name for token in await ann.tokens()}
    await ann.revoke(new.id)

    assert (new.user_id, new.name) == (ann.me, "phone")
    assert names == {"registration", "phone"}
    with pytest.raises(Unauthenticated):
        await phone.post("again")


async def test_a_registration_whose_answer_was_lost_ends_with_a_token_that_is_good(
    strict, gateway, spoilt, open_client
):
    gateway.front, gateway.spoil = strict, ["lost"]
    stranger = open_client(spoilt)

    dora = stranger.acting_as((await stranger.register("dora")).identity)

    assert (await dora.post("I am here")).username == "dora"


@pytest.fixture
def ann_behind(strict, gateway, spoilt, open_client, registered_ann):
    """Ann, whose calls go through the gateway."""
    gateway.front = strict
    return open_client(spoilt).acting_as(registered_ann.identity)


async def test_a_deletion_of_a_user_whose_answer_was_lost_is_done(ann_behind, gateway, stranger):
    """The user's tokens end with the user, so the repeated call is refused."""
    gateway.spoil = ["lost"]

    await ann_behind.delete_user(ann_behind.me)

    assert [method for method, _, _ in gateway.seen] == ["DELETE", "DELETE", "GET"]
    with pytest.raises(NotFound):
        await stranger.user(ann_behind.me)


async def test_a_deletion_with_a_bad_token_is_refused_also_after_a_failure(ann_behind, gateway, stranger):
    stale = ann_behind.acting_as(Identity(ann_behind.me, "mb_no_token"))
    gateway.spoil = [503]

    with pytest.raises(Unauthenticated):
        await stale.delete_user(ann_behind.me)

    assert (await stranger.user(ann_behind.me)).username == "ann"


async def test_a_deletion_of_no_one_with_a_bad_token_is_refused(ann_behind):
    with pytest.raises(Unauthenticated):
        await ann_behind.acting_as(Identity(4711, "mb_no_token")).delete_user(4711)


async def test_an_unknown_token_cannot_be_revoked(ann):
    with pytest.raises(NotFound):
        await ann.revoke(4711)


async def test_a_wrong_password_is_refused(stranger, ann):
    with pytest.raises(Unauthenticated):
        await stranger.sign_in("ann", "wrong horse")


async def test_a_caller_without_a_token_can_read_and_not_act(stranger, ann):
    await ann.post("Hello")

    with pytest.raises(Unauthenticated):
        await stranger.post("Hello", author=ann.me)
    assert [post.content async for post in stranger.posts(ann.me)] == ["Hello"]


async def test_no_user_acts_or_reads_as_another(ann, bob):
    with pytest.raises(Forbidden):
        await bob.post("Hello", author=ann.me)
    with pytest.raises(Forbidden):
        await bob.timeline(ann.me).page()


async def test_a_blocked_user_cannot_follow(ann, bob):
    assert (await ann.block(bob.me)).blocking

    with pytest.raises(Blocked):
        await bob.follow(ann.me)
    assert [user.username async for user in ann.blocks()] == ["bob"]
    assert not (await ann.unblock(bob.me)).blocking


async def test_a_timeline_that_did_not_change_says_so(ann):
    timeline = ann.timeline()
    await ann.post("Hello")
    before = await timeline.page()

    unchanged = await timeline.changed(before)
    await ann.post("Hello again")
    after = await timeline.changed(before)

    assert unchanged is None
    assert [post.content for post in after.items] == ["Hello again", "Hello"]


async def test_the_command_line_signs_in_acts_and_signs_out(microblog, strict_url, ann):
    async def run(*words, **options):
        return await microblog(*words, at=strict_url, **options)

    assert (await run("login", "ann", stdin=f"{PASSWORD}\n")).exit_code == 0
    assert (await run("post", "Hello")).exit_code == 0
    timeline = await run("timeline", "--json")
    assert (await run("logout")).exit_code == 0

    assert [post["content"] for post in json.loads(timeline.stdout)] == ["Hello"]
    assert [token.name for token in await ann.tokens()] == ["registration"]
    assert (await run("timeline")).exit_code == 1
