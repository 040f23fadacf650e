"""What each agent does with its events, through delivery, over stores in memory."""

from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microblog_streams.domain.events import Followed, PostCreated, PostDeleted, Unfollowed, UserDeleted
from microblog_streams.domain.ids import entry_post_id, new_post_id
from microblog_streams.domain.topics import POST_CREATED, POST_DELETED, USER_DELETED, USER_FOLLOW, USER_UNFOLLOW
from microblog_streams.ports import Row
from tests.component.delivery.agents_world import AgentsWorld
from tests.support.examples import examples
from tests.support.waiting import until

AT = datetime(2026, 11, 24, tzinfo=UTC)
ANN, BOB, CLEO = 1, 2, 3


def created(author, post_id=None):
    return PostCreated(post_id=post_id or new_post_id(), user_id=author, content="hello", created_at=AT)


def followed(follower, followee, version, restate=False):
    return Followed(follower_id=follower, followee_id=followee, version=version, at=AT, restate=restate)


def unfollowed(follower, followee, version, restate=False):
    return Unfollowed(follower_id=follower, followee_id=followee, version=version, at=AT, restate=restate)


async def warm(running, *users):
    for user in users:
        await running.world.timelines.create(user)


def timeline(running, user):
    return [entry_post_id(entry) for entry in running.world.timelines.lists[user].entries]


async def test_fan_out_stores_the_post_and_brings_it_to_followers_and_author(running):
    await warm(running, ANN, BOB, CLEO)
    running.put(USER_FOLLOW, followed(BOB, ANN, 1))
    await running.settled()
    post = created(ANN)
    running.put(POST_CREATED, post)
    await running.settled()
    assert timeline(running, ANN) == timeline(running, BOB) == [post.post_id]
    assert timeline(running, CLEO) == []
    assert running.world.posts.posts[post.post_id].content == "hello"


async def test_follows_brings_posts_and_unfollows_takes_them_away(running):
    await warm(running, BOB)
    posts = running.world.wrote(ANN, 3)
    running.put(USER_FOLLOW, followed(BOB, ANN, 1))
    await running.settled()
    assert timeline(running, BOB) == list(reversed(posts))
    running.put(USER_UNFOLLOW, unfollowed(BOB, ANN, 2))
    await running.settled()
    assert timeline(running, BOB) == []
    assert running.world.followers.rows[ANN, BOB] == Row(2, False, AT)


async def test_an_equal_version_repeats_row_and_effect_and_a_lower_one_neither(running):
    await warm(running, BOB)
    posts = running.world.wrote(ANN, 1)
    running.put(USER_FOLLOW, followed(BOB, ANN, 5))
    await running.settled()
    running.world.followers.rows.clear()
    running.world.timelines.lists[BOB].entries.clear()
    running.put(USER_FOLLOW, followed(BOB, ANN, 5))
    await running.settled()
    assert running.world.followers.rows == {(ANN, BOB): Row(5, True, AT)}
    assert timeline(running, BOB) == posts

    running.put(USER_UNFOLLOW, unfollowed(BOB, ANN, 4))
    await running.settled()
    assert running.world.followers.rows == {(ANN, BOB): Row(5, True, AT)}
    assert timeline(running, BOB) == posts


async def test_a_restated_edge_writes_its_row_and_nothing_else(running):
    await warm(running, BOB)
    running.world.wrote(ANN, 1)
    running.put(USER_FOLLOW, followed(BOB, ANN, 5, restate=True))
    await running.settled()
    assert running.world.followers.rows == {(ANN, BOB): Row(5, True, AT)}
    assert timeline(running, BOB) == []


async def test_deletions_flag_the_post_and_tell_the_caches(running):
    (post,) = running.world.wrote(ANN, 1)
    running.put(POST_DELETED, PostDeleted(post_id=post, user_id=ANN, deleted_at=AT))
    await running.settled()
    assert running.world.posts.posts[post].deleted
    assert running.world.post_cache.kept[post].deleted


async def test_a_deleted_author_has_a_tombstone_that_fan_out_and_follows_look_at(running):
    await warm(running, ANN, BOB)
    running.world.wrote(ANN, 2)
    running.put(USER_DELETED, UserDeleted(user_id=ANN, at=AT))
    await running.settled()
    running.put(USER_FOLLOW, followed(BOB, ANN, 1))
    running.put(POST_CREATED, created(ANN))
    await running.settled()
    assert timeline(running, BOB) == []
    assert (ANN, 0) in running.world.followers.rows
    assert ANN not in running.world.timelines.lists


async def test_a_store_that_is_away_holds_everything_back_and_loses_nothing(running):
    await warm(running, ANN, BOB)
    running.put(USER_FOLLOW, followed(BOB, ANN, 1))
    await running.settled()
    running.world.redis_down = True
    posts = [created(ANN) for _ in range(20)]
    running.put(POST_CREATED, *posts)
    await until(lambda: len(running.world.posts.posts) >= 8)
    assert running.streams[POST_CREATED].acked == []
    running.world.redis_down = False
    await running.settled()
    assert timeline(running, BOB) == [post.post_id for post in reversed(posts)]


async def test_a_table_that_is_not_open_here_is_never_read_as_empty(running):
    await warm(running, ANN, BOB)
    running.put(USER_FOLLOW, followed(BOB, ANN, 1))
    await running.settled()
    running.world.followers.closed = True
    post = created(ANN)
    running.put(POST_CREATED, post)
    await until(lambda: post.post_id in running.world.posts.posts)
    running.world.followers.closed = False
    await running.settled()
    assert timeline(running, BOB) == [post.post_id]


EDGES = [(follower, author) for author in (11, 12) for follower in (21, 22, 23)]
#: For each edge, whether it follows with versions 1, 2, …
HISTORIES = st.fixed_dictionaries({edge: st.lists(st.booleans(), min_size=1, max_size=4) for edge in EDGES})


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories=HISTORIES, data=st.data())
async def test_edges_end_as_their_highest_versions_in_any_order_and_number(quick, histories, data):
    running = AgentsWorld(window=data.draw(st.integers(1, 8), "window")).start()
    try:
        posts = {author: running.world.wrote(author, 2) for author in (11, 12)}
        await warm(running, 21, 22, 23)
        events = [
            (followed if following else unfollowed)(*edge, version)
            for edge, history in histories.items()
            for version, following in enumerate(history, 1)
        ]
        again = data.draw(st.lists(st.sampled_from(events), max_size=8), "again")
        for event in data.draw(st.permutations(events + again), "order"):
            running.put(USER_FOLLOW if event.following else USER_UNFOLLOW, event)
        await running.settled()

        rows = {(author, follower): Row(len(h), h[-1], AT) for (follower, author), h in histories.items()}
        assert running.world.followers.rows == rows
        for follower in (21, 22, 23):
            authors = [author for author in (11, 12) if histories[follower, author][-1]]
            expected = sorted((post for author in authors for post in posts[author]), reverse=True)
            assert timeline(running, follower) == expected
    finally:
        await running.stop()
