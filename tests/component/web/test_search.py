"""Search as clients see it: what is found, in pages, and what never shows; bad input is a 400 that says why."""

import re

import pytest

from microblog_streams.search.documents import post_write, user_write
from tests.component.web.fake_authentication import authenticated, of  # noqa: F401 - a fixture


@pytest.fixture
async def posted(front):
    """Write posts as a client does, and index them as the indexer does."""

    async def write(content, author=1):
        response = await front.client.post("/posts/", json={"userId": author, "content": content})
        assert response.status == 201
        post_id = (await response.json())["postId"]
        (post,) = [post for ident, post in front.app.stores.posts.posts.items() if str(ident) == post_id]
        await front.app.search_index.write([post_write(post)])
        return post_id

    return write


@pytest.fixture
async def indexed_users(front):
    users = await front.app.stores.users.page(0, 100)
    await front.app.search_index.write([user_write(user) for user in users])


async def found(client, **query):
    response = await client.get("/search/posts", params=query)
    assert response.status == 200, await response.text()
    return [post["content"] for post in await response.json()], response


def next_page(response):
    link = re.search(r'<([^>]+)>; rel="next"', response.headers.get("Link", ""))
    return link and link.group(1)


async def pages(client, url):
    """Follow the links from a page to the last; return the contents of each page."""
    seen = []
    while url:
        response = await client.get(url)
        assert response.status == 200, await response.text()
        seen.append([item.get("content", item.get("username")) for item in await response.json()])
        url = next_page(response)
    return seen


async def test_a_post_is_found_with_its_places_in_code_points(client, posted):
    await posted("👍 Green TEA, green tea")

    response = await client.get("/search/posts", params={"q": '"green tea"'})

    (post,) = await response.json()
    assert post["username"] == "ann"
    assert post["highlights"] == [{"start": 2, "end": 11}, {"start": 13, "end": 22}]


async def test_pages_go_on_below_the_last_post_while_newer_ones_are_written(client, posted):
    for number in range(5):
        await posted(f"tea {number}")

    first = await client.get("/search/posts?q=tea&limit=2")
    await posted("tea, a newer one")
    rest = await pages(client, next_page(first))

    assert [post["content"] for post in await first.json()] == ["tea 4", "tea 3"]
    assert rest == [["tea 2", "tea 1"], ["tea 0"]]


async def test_the_best_posts_keep_their_order_while_newer_ones_are_written(client, posted):
    for content in ("tea and tea", "tea and much else", "tea tea tea"):
        await posted(content)

    first = await client.get("/search/posts?q=tea&sort=best&limit=1")
    await posted("tea tea")
    rest = await pages(client, next_page(first))

    assert [post["content"] for post in await first.json()] == ["tea tea tea"]
    assert rest == [["tea and tea"], ["tea and much else"]]


async def test_deleted_posts_are_never_shown_and_the_page_is_filled_up(client, posted):
    kept = [await posted("tea, kept") for _ in range(2)]
    gone = [await posted("tea, gone") for _ in range(12)]
    for post_id in gone:
        assert (await client.delete(f"/posts/{post_id}")).status == 204

    contents, response = await found(client, q="tea", limit=2)

    assert contents == ["tea, kept"] * len(kept)
    assert next_page(response) is None


async def test_posts_of_deleted_users_are_never_shown(client, posted):
    await posted("tea", author=2)
    await client.delete("/users/2")

    assert (await found(client, q="tea"))[0] == []
    assert (await found(client, q="tea from:bob"))[0] == []


async def test_from_finds_an_author_and_no_post_where_there_is_none(client, posted):
    await posted("tea by ann", author=1)
    await posted("tea by bob", author=2)

    assert (await found(client, q="tea from:Ann"))[0] == ["tea by ann"]
    assert (await found(client, q="tea -from:ann"))[0] == ["tea by bob"]
    assert (await found(client, q="tea from:ann from:bob"))[0] == []
    assert (await found(client, q="from:zed"))[0] == []


async def test_users_are_found_by_the_beginning_of_their_name(client, indexed_users):
    assert await pages(client, "/search/users?q=b") == [["bob"]]
    assert await pages(client, "/search/users?q=zzz") == [[]]


async def test_trending_hashtags_are_those_of_the_most_authors(client, posted):
    for author in (1, 2):
        await posted("#Tea", author)
    await posted("#cake #cake", 1)

    response = await client.get("/trends/tags?limit=2")

    assert await response.json() == [
        {"tag": "tea", "score": 2.0, "posts": 2},
        {"tag": "cake", "score": 1.0, "posts": 1},
    ]


@pytest.mark.parametrize(("blocker", "blocked"), [(1, 2), (2, 1)])
async def test_a_block_hides_each_from_the_other_and_from_no_one_else(
    authenticated,  # noqa: F811
    make_front,
    blocker,
    blocked,
):
    front = await make_front()
    await front.app.operations.blocks.block(blocker, blocked)
    post = await front.app.operations.posts.create(2, "tea by bob")
    await front.app.search_index.write(
        [post_write((await front.app.operations.posts.hydration.find([post.id]))[post.id])]
    )

    async def contents(**options):
        return [each["content"] for each in await (await front.client.get("/search/posts?q=tea", **options)).json()]

    assert await contents(headers=of(1)) == []
    assert await contents(headers=of(3)) == ["tea by bob"]
    assert await contents() == ["tea by bob"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "q"),
        ("q=", "q"),
        ("q=tea&q=cake", "q"),
        ("q=te*", "q"),
        ('q="tea', "q"),
        ("q=" + "a" * 300, "q"),
        ("q=" + "a" * 7000, "q"),
        ("q=" + "+".join(f"t{n}" for n in range(80)), "q"),
        ("q=%00tea", "q"),
        ("q=tea&sort=worst", "sort"),
        ("q=tea&limit=1000", "limit"),
        ("q=tea&cursor=AAAA", "cursor"),
    ],
)
async def test_bad_input_is_refused_with_the_field(client, problem, query, field):
    document = await problem(await client.get(f"/search/posts?{query}"), 400, "invalid", field)

    assert document["errors"][0]["message"]


@pytest.mark.parametrize(
    "query",
    [
        "((((((((((((tea))))))))))))",
        '{"query":{"match_all":{}}}',
        "/t.+a/",
        "tea OR 1=1; DROP",
        "_exists_:terms",
        "\u202etea\u200f",
        "\ufffdtea",
        "a-" * 40,
    ],
)
async def test_what_engines_take_for_syntax_is_text(client, query):
    assert (await client.get("/search/posts", params={"q": query})).status == 200


@pytest.mark.parametrize("sort", ["newest", "best"])
async def test_a_cursor_of_another_query_is_refused(client, posted, problem, sort):
    for _ in range(2):
        await posted("tea and cake")
    url = next_page(await client.get(f"/search/posts?q=tea&limit=1&sort={sort}"))

    await problem(await client.get(url.replace("q=tea", "q=cake")), 400, "invalid", "cursor")
    other = "best" if sort == "newest" else "newest"
    await problem(await client.get(url.replace(f"sort={sort}", f"sort={other}")), 400, "invalid", "cursor")


async def test_an_engine_that_is_away_is_a_503_that_says_when_to_try_again(front, problem):
    front.app.search_index.away = True

    response = await front.client.get("/search/posts?q=tea")

    await problem(response, 503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0


async def test_without_an_engine_there_is_no_search(front, problem):
    front.app.search._index = None

    for path in ("/search/posts?q=tea", "/search/users?q=tea", "/trends/tags"):
        await problem(await front.client.get(path), 404, "search-off")


async def test_searches_have_a_limit_of_their_own(make_front):
    front = await make_front(limit_searching="2/day")

    statuses = [(await front.client.get("/search/posts?q=tea")).status for _ in range(3)]

    assert statuses == [200, 200, 429]
    assert (await front.client.get("/users/")).status == 200
