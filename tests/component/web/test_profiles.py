"""Profiles and avatars over HTTP: who may change them, and that no text in them becomes markup."""

from xml.etree import ElementTree

import pytest

from tests.component.web.registered_users import bearer

HOSTILE = "</title><script>alert(1)</script>"


async def test_a_profile_is_read_and_changed(client):
    before = await (await client.get("/users/1")).json()
    response = await client.patch(
        "/users/1", json={"displayName": "Ann Lee", "note": "hi", "links": ["https://a.example"]}
    )
    changed = await response.json()

    assert (before["displayName"], before["note"], before["links"]) == ("", "", [])
    assert (before["posts"], before["followers"], before["followees"]) == (0, 0, 0)
    assert response.status == 200
    assert (changed["displayName"], changed["note"], changed["links"]) == ("Ann Lee", "hi", ["https://a.example/"])
    assert await (await client.get("/users/1")).json() == changed
    assert changed["avatar"] != before["avatar"]


async def test_an_empty_change_changes_nothing(client):
    before = await (await client.get("/users/1")).json()

    assert await (await client.patch("/users/1", json={})).json() == before
    assert await (await client.patch("/users/1", json={"note": None})).json() == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"displayName": "a\nb"}, "displayName"),
        ({"note": 7}, "note"),
        ({"links": ["http://a.example"]}, "links.0"),
        ({"username": "other"}, "username"),
    ],
)
async def test_a_bad_change_is_refused(client, problem, body, field):
    await problem(await client.patch("/users/1", json=body), 400, "invalid", field)


async def test_a_profile_is_changed_by_its_user_alone(make_front):
    front = await make_front(auth="required", names=())
    tokens = [
        (await (await front.client.post("/users/", json={"username": name})).json())["token"] for name in ("ann", "bob")
    ]

    anonymous = await front.client.patch("/users/1", json={"note": "x"})
    other = await front.client.patch("/users/1", json={"note": "x"}, headers=bearer(tokens[1]))
    own = await front.client.patch("/users/1", json={"note": "x"}, headers=bearer(tokens[0]))

    assert [anonymous.status, other.status, own.status] == [401, 403, 200]


async def test_a_page_without_postgres_says_what_it_does_not_know(make_front):
    front = await make_front()
    await front.client.get("/users/1")
    front.app.database.away = True

    page = await (await front.client.get("/users/1")).json()

    assert page["username"] == "ann"
    assert [page[name] for name in ("note", "links", "followers", "followees")] == [None] * 4


async def test_an_avatar_is_a_picture_that_is_kept_for_ever_by_its_url(client):
    page = await (await client.get("/users/1")).json()
    named, plain = await client.get(page["avatar"]), await client.get("/users/1/avatar.svg")
    again = await client.get("/users/1/avatar.svg", headers={"If-None-Match": plain.headers["ETag"]})

    assert (named.status, named.content_type) == (200, "image/svg+xml")
    assert await named.read() == await plain.read()
    assert named.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert plain.headers["Cache-Control"] == "public, max-age=300"
    assert again.status == 304
    assert (await client.get("/users/99/avatar.svg")).status == 404


async def test_an_avatar_runs_nothing_and_embeds_nowhere(client):
    response = await client.get("/users/1/avatar.svg")

    assert response.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "name", [HOSTILE, "<svg onload=x> &amp;", "]]> <b>", "{name}", "\U0001f469\u200d\U0001f680 \u0e01\u0e34"]
)
async def test_a_name_in_an_avatar_is_text(client, name):
    await client.patch("/users/1", json={"displayName": name})

    drawing = ElementTree.fromstring(await (await client.get("/users/1/avatar.svg")).text())

    tags = [each.tag.rpartition("}")[2] for each in drawing.iter()]
    assert tags == ["svg", "title", "defs", "linearGradient", "stop", "stop", "rect", "text"]
    assert drawing[0].text == name


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ann Lee", "AL"),
        ("ann", "A"),
        ("Ann van der Lee", "AL"),
        ("\u0e01\u0e34\u0e19", "\u0e01\u0e34"),
        ("\u200bann \u200b", "A"),
    ],
)
async def test_an_avatar_shows_the_initials(client, name, letters):
    await client.patch("/users/1", json={"displayName": name})

    drawing = ElementTree.fromstring(await (await client.get("/users/1/avatar.svg")).text())

    assert drawing[-1].text == letters
