"""Every call of the client, against the real server."""

from uuid import UUID

import pytest

from microblog_streams.client import Client, Identity, Invalid, NotFound, UsernameTaken
from microblog_streams.search.documents import post_write, user_write

UNKNOWN_POST = "01a20d6d-64e5-7c3b-8d2e-6f1a2b3c4d5e"


@pytest.fixture
def ann(anybody):
    return anybody.acting_as(Identity(1))


async def test_a_new_user_is_registered_and_can_act(anybody):
    registered = await anybody.register("dora")

    dora = anybody.acting_as(registered.identity)
    post = await dora.post("I am here")

    assert (registered.user.username, registered.token) == ("dora", None)
    assert post.user_id == dora.me == registered.user.id


async def test_people_are_found_by_id_and_by_name(anybody):
    bob = await anybody.user(2)

    assert (bob.id, bob.username) == (2, "bob")
    assert bob.created_at.utcoffset().total_seconds() == 0
    assert await anybody.find("BOB") == bob
    assert await anybody.find("nobody") is None


async def test_a_profile_is_changed_and_read(ann, anybody):
    changed = await ann.change_profile(display_name="Ann Lee", links=["https://a.example/"])
    emptied = await ann.change_profile(links=[])

    assert (changed.display_name, changed.note, changed.links) == ("Ann Lee", "", ("https://a.example/",))
    assert (emptied.display_name, emptied.links) == ("Ann Lee", ())
    assert await anybody.profile(1) == emptied
    assert (await anybody.user(1)).display_name == "Ann Lee"


async def test_following_and_unfollowing(ann, anybody):
    following = await ann.follow(2)
    followers = [user.username async for user in anybody.followers(2)]
    followees = [user.username async for user in ann.followees()]
    unfollowing = await ann.unfollow(2)

    assert (following.follower_id, following.followee_id, following.following) == (1, 2, True)
    assert (followers, followees) == (["ann"], ["bob"])
    assert unfollowing.following is False
    assert [user async for user in ann.followees()] == []


async def test_another_can_be_named_as_the_one_who_acts(anybody):
    await anybody.follow(2, follower=3)
    post = await anybody.post("hello", author=3)

    assert [user.id async for user in anybody.followers(2)] == [3]
    assert [found async for found in anybody.posts(3)] == [post]


async def test_posts_are_written_read_and_deleted(ann):
    post = await ann.post("Grüße, 世界\n👋")

    assert isinstance(post.post_id, UUID)
    assert await ann.get_post(post.post_id) == post
    assert [found async for found in ann.timeline()] == [post]
    await ann.delete_post(post.post_id)
    with pytest.raises(NotFound):
        await ann.get_post(post.post_id)


async def test_a_person_is_deleted(ann):
    await ann.delete_user(1)

    with pytest.raises(NotFound):
        await ann.user(1)


async def test_lists_are_read_page_after_page(ann):
    written = [await ann.post(str(number)) for number in range(5)]

    assert [post async for post in ann.posts(page_size=2)] == written[::-1]
    assert [post async for post in ann.timeline(page_size=1)] == written[::-1]
    assert [user.id async for user in ann.users(page_size=2)] == [1, 2, 3]


async def test_pages_lead_to_those_around_them(ann):
    written = [await ann.post(str(number)) for number in range(5)]
    timeline = ann.timeline(page_size=2)

    first = await timeline.page()
    second = await timeline.page(first.next)
    above = await timeline.page(second.prev)

    assert first.items == (written[4], written[3])
    assert second.items == (written[2], written[1])
    assert above.items == first.items
    assert first.whole


async def test_a_refusal_has_its_reason(anybody, ann):
    with pytest.raises(UsernameTaken, match="'ANN' is taken") as taken:
        await anybody.register("ANN")
    with pytest.raises(Invalid) as invalid:
        await ann.post(" ")

    assert (taken.value.problem.status, taken.value.problem.type) == (409, "/problems/username-taken")
    assert [(error.field, error.message) for error in invalid.value.problem.errors] == [("content", "is empty")]
    assert invalid.value.problem.request_id
    assert invalid.value.problem.title == "Invalid request"


async def test_an_unknown_letter_is_not_found(anybody):
    with pytest.raises(NotFound, match="no user 4711"):
        await anybody.user(4711)
    with pytest.raises(NotFound):
        await anybody.delete_post(UNKNOWN_POST)


@pytest.mark.parametrize("ident", ["../users/1", "1?limit=1", "a/b", "%2e%2e", "\n"])
async def test_an_id_stays_one_part_of_the_path(anybody, ident):
    """Whatever a program passes on as an id, it is refused as one and leads nowhere else."""
    with pytest.raises((Invalid, NotFound)) as refused:
        await anybody.get_post(ident)
    assert refused.value.problem.type != "/problems/unknown-path"


async def test_acting_without_a_user_is_refused_before_a_request(anybody):
    with pytest.raises(ValueError, match="acting_as"):
        await anybody.post("hello")


@pytest.mark.parametrize("urls", [(), ("localhost:6066",), ("ftp://localhost",)])
def test_a_client_needs_urls(urls):
    with pytest.raises(ValueError, match="URL"):
        Client(*urls)


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX: 1", "ä"])
def test_a_malformed_token_is_refused_and_not_shown(token):
    with pytest.raises(ValueError, match="no token") as refused:
        Client("http://localhost", token=token)
    assert not token or token not in str(refused.value)


async def test_searching(front, ann, anybody):
    written = await ann.post("👍 green tea")
    (post,) = [post for post in front.app.stores.posts.posts.values() if post.id == written.post_id]
    await front.app.search_index.write([post_write(post), user_write(await front.app.operations.users.get(1))])

    (found,) = [each async for each in anybody.search('"green tea"', page_size=1)]
    users = [user.username async for user in anybody.search_users("an")]

    assert (found.post_id, [(place.start, place.end) for place in found.highlights]) == (written.post_id, [(2, 11)])
    assert [each.post_id async for each in anybody.search("tea", "best")] == [written.post_id]
    assert users == ["ann"]
    assert await anybody.trends() == ()
    with pytest.raises(Invalid, match="at character 1"):
        await anybody.search("*").page()
