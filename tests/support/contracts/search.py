"""What every SearchIndex does. ``index`` is an empty one; ``index.refresh()`` makes what was written searchable."""

from datetime import UTC, datetime, timedelta

from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import Post, User
from microblog_streams.search.documents import Kind, Write, deleted_post, deleted_user, post_write, user_write
from microblog_streams.search.index import PostFilter, Rejected
from microblog_streams.search.query import Query, parse, parse_name


def post(content, author=1):
    return Post(new_post_id(), author, content)


def user(ident, name):
    return User(ident, name, datetime.now(UTC))


async def fill(index, *documents):
    outcomes = await index.write([each if isinstance(each, Write) else post_write(each) for each in documents])
    await index.refresh()
    return outcomes


async def found(index, query, limit=20, **authors):
    return await index.newest(PostFilter(parse(query), **authors), None, limit)


POSTS = {
    "greeting": "Hello, Wörld! Good morning",
    "cafe": "A coffee in the #Café with @Ann.Lee.",
    "cats": "猫が好きです",
    "thai": "สวัสดีครับ",
    "thumb": "👍🏽 nice work",
    "order": "world hello",
}


#: The posts that each query finds.
FOUND = {
    "hello": {"greeting", "order"},
    "WORLD": {"greeting", "order"},
    "wörld hello": {"greeting", "order"},
    '"hello world"': {"greeting"},
    "hello -morning": {"order"},
    'hello -"world hello"': {"greeting"},
    "#cafe": {"cafe"},
    "#coffee": set(),
    "cafe": {"cafe"},
    "@ann.lee": {"cafe"},
    "@ann": set(),
    "猫": {"cats"},
    "好き": {"cats"},
    "です": {"cats"},
    "す": {"cats"},
    "好が": set(),
    "สวัส": {"thai"},
    "👍": {"thumb"},
    "-hello -#cafe -猫 -👍": {"thai"},
    "nothing": set(),
}


class SearchContract:
    async def test_posts_are_found_by_their_words_tags_and_names(self, index):
        posts = {name: post(content) for name, content in POSTS.items()}
        await fill(index, *posts.values())
        names = {each.id: name for name, each in posts.items()}

        finds = {query: {names[ident] for ident in await found(index, query)} for query in FOUND}

        assert finds == FOUND

    async def test_the_newest_come_first_and_pages_go_on_below_a_post(self, index):
        posts = [post(f"tea {number}") for number in range(5)]
        await fill(index, *posts)
        newest_first = [each.id for each in reversed(posts)]

        first = await found(index, "tea", limit=2)
        await fill(index, post("tea, a newer one"))
        second = await index.newest(PostFilter(parse("tea")), first[-1], 10)

        assert (list(first), list(second)) == (newest_first[:2], newest_first[2:])

    async def test_the_best_have_the_word_more_often(self, index):
        once, twice = post("tea and cake and bread"), post("tea and tea and bread")
        await fill(index, twice, once)

        assert list(await index.best(PostFilter(parse("tea")), 10)) == [twice.id, once.id]
        assert list(await index.best(PostFilter(parse("tea")), 1)) == [twice.id]

    async def test_an_author_or_none_of_some_can_be_asked_for(self, index):
        by_one, by_two, by_three = post("tea", 1), post("tea", 2), post("tea", 3)
        await fill(index, by_one, by_two, by_three)

        assert await found(index, "tea", author=2) == [by_two.id]
        assert await found(index, "tea", not_by=(2, 3)) == [by_one.id]
        assert list(await index.newest(PostFilter(Query(), author=3), None, 10)) == [by_three.id]

    async def test_a_period_begins_with_its_first_day_and_ends_before_its_last(self, index):
        today = post("tea")
        await fill(index, today)
        day = today.created_at.date()
        tomorrow = day + timedelta(days=1)

        assert await found(index, f"tea after:{day} before:{tomorrow}") == [today.id]
        assert await found(index, f"tea before:{day}") == []
        assert await found(index, f"tea after:{tomorrow}") == []

    async def test_a_deleted_post_is_not_found_in_whatever_order_its_events_come(self, index):
        first, second = post("tea one"), post("tea two")
        await fill(index, first, deleted_post(first.id), deleted_post(second.id), second)
        await fill(index, first)

        assert await found(index, "tea") == []
        assert await found(index, "-coffee") == []
        assert list(await index.newest(PostFilter(Query(), author=1), None, 10)) == []

    async def test_a_repeated_document_changes_nothing(self, index):
        tea = post("tea")

        assert await fill(index, tea, tea) == [None, None]
        assert await found(index, "tea") == [tea.id]

    async def test_a_document_against_the_mapping_is_rejected_and_the_others_are_written(self, index):
        tea = post("tea")

        refused, written = await fill(index, Write(Kind.POSTS, "x", 1, {"mood": 1}), tea)

        assert isinstance(refused, Rejected)
        assert written is None
        assert await found(index, "tea") == [tea.id]

    async def test_users_are_found_by_name_then_by_its_beginning_then_by_a_similar_one(self, index):
        names = {1: "catherine", 2: "Cath", 3: "katherine", 4: "bob", 5: "cathy"}
        writes = [user_write(user(ident, name), followers=ident) for ident, name in names.items()]
        await fill(index, *writes)

        assert list(await index.users(parse_name("cath"), 10)) == [2, 5, 1, 3]
        assert list(await index.users(parse_name("@CATHERINE"), 10)) == [1, 3]
        assert list(await index.users(parse_name("zed"), 10)) == []

    async def test_users_with_more_followers_come_first_among_equals(self, index):
        await fill(index, user_write(user(1, "anna")), user_write(user(2, "anne"), followers=9))

        assert list(await index.users(parse_name("an"), 1)) == [2]

    async def test_a_user_is_found_by_a_display_name_as_it_was_changed_last(self, index):
        registered = user(1, "ann")
        later = registered.created_at + timedelta(seconds=1)
        changed = user_write(registered._replace(display_name="Dr. Smith"), later)
        await fill(index, changed, user_write(registered))

        assert list(await index.users(parse_name("smith"), 10)) == [1]
        assert list(await index.users(parse_name("ann"), 10)) == [1]

    async def test_a_deleted_user_is_not_found(self, index):
        await fill(index, user_write(user(1, "ann")), deleted_user(1), user_write(user(1, "ann")))

        assert list(await index.users(parse_name("ann"), 10)) == []

    async def test_hashtags_are_ranked_by_their_authors(self, index):
        await fill(index, *(post("#tea", author) for author in (1, 2)), *(post("#Cake #cake", 1) for _ in range(3)))
        now = datetime.now(UTC)

        uses = await index.tags(now - timedelta(hours=1), now + timedelta(hours=1), 10)

        assert [(use.tag, use.authors, use.posts) for use in uses] == [("tea", 2, 2), ("cake", 1, 3)]
        assert list(await index.tags(now - timedelta(hours=2), now - timedelta(hours=1), 10)) == []
