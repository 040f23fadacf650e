"""/openapi.json is valid OpenAPI 3.1 and complete: a method without a description stops the start."""

import re
from typing import Annotated

import pytest
from pydantic import Field

from microblog_streams.domain.errors import Invalid, NotFound, SetupError
from microblog_streams.operations import validation
from web import routes
from web.api import schemas
from web.api.view import Access, View, endpoint
from web.http import problems
from web.http.responses import ResponseModel
from web.openapi.document import document
from web.openapi.responses import example

ROUTES = routes.API + routes.OPERATION


class Note(ResponseModel):
    """A note."""

    read_at: Annotated[schemas.Time | None, Field(description="When it was read.")]
    about: schemas.User | None


class Notes(View):
    @endpoint("listNotes", list[Note], access=Access.OWNER, has_etag=True, raises=(NotFound,))
    async def get(self, request, user):
        """Return the notes.

        All of them: no user has
        many.
        """


class Silent(View):
    async def get(self, request):
        """Return something without a description."""


@pytest.fixture(scope="module")
def api():
    return document(ROUTES, required=True)


@pytest.fixture
def notes():
    return document([("/notes/{user}", Notes)], required=True)


def operations(api):
    return [(path, name, said) for path, item in api["paths"].items() for name, said in item.items()]


@pytest.mark.parametrize("required", [True, False])
def test_it_is_valid_openapi_3_1(required):
    # Here: all of schemathesis comes with it, which would delay every process that only collects this file.
    from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

    errors = OPENAPI_31_VALIDATOR.iter_errors(document(ROUTES, required))

    assert [error.message for error in errors] == []


def test_every_path_is_in_it(api):
    assert list(api["paths"]) == [path for path, _ in ROUTES]


def test_a_method_that_is_not_described_stops_the_start():
    with pytest.raises(SetupError, match=r"GET /silent is not described: Silent.get needs an @endpoint"):
        document([*ROUTES, ("/silent", Silent)], required=True)


def test_each_operation_has_a_name_of_its_own_and_words(api):
    names = [said["operationId"] for _, _, said in operations(api)]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z]+([A-Z][a-z]+)*", name) for name in names)
    assert all(said["summary"].endswith(".") and said["tags"] for _, _, said in operations(api))


def test_the_nouns_are_the_tags_as_their_modules_tell_of_them(api):
    assert [tag["name"] for tag in api["tags"]] == [
        "users",
        "follows",
        "blocks",
        "posts",
        "avatars",
        "timelines",
        "live",
        "search",
        "tokens",
        "session",
        "health",
    ]
    assert api["tags"][1]["description"] == "Following users."


def test_words_come_from_the_docstring(notes):
    said = notes["paths"]["/notes/{user}"]["get"]

    assert (said["summary"], said["description"]) == ("Return the notes.", "All of them: no user has many.")


def test_what_may_be_null_is_so_by_its_type(notes):
    fields = notes["components"]["schemas"]["Note"]["properties"]

    assert fields["readAt"]["type"] == ["string", "null"]
    assert fields["about"] == {"anyOf": [{"$ref": "#/components/schemas/User"}, {"type": "null"}]}


def test_an_answer_with_a_tag_can_be_a_304(notes):
    said = notes["paths"]["/notes/{user}"]["get"]

    assert [parameter["name"] for parameter in said["parameters"]] == ["user", "If-None-Match"]
    assert "ETag" in said["responses"]["200"]["headers"]
    assert "content" not in said["responses"]["304"]


def test_only_what_is_the_owners_asks_for_a_token(api):
    asking = {said["operationId"] for _, _, said in operations(api) if "security" in said}

    owners = {
        "changeProfile",
        "deleteUser",
        "follow",
        "unfollow",
        "block",
        "unblock",
        "listBlocks",
        "post",
        "deletePost",
        "getTimeline",
        "followTimeline",
    }
    assert asking == owners | {"listTokens", "revokeToken", "signOut", "setPassword", "getBlock"}


def test_on_an_open_server_only_the_token_list_needs_a_token():
    api = document(ROUTES, required=False)

    asking = {said["operationId"] for _, _, said in operations(api) if "security" in said}
    assert asking == {"listTokens", "revokeToken", "signOut"}


def test_registering_shows_a_token_where_one_is_needed():
    shown = [
        document(ROUTES, required)["paths"]["/users/"]["post"]["responses"]["201"]["content"]["application/json"]
        for required in (True, False)
    ]
    assert [one["schema"]["$ref"].rpartition("/")[2] for one in shown] == ["Registered", "User"]


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/users/", "get", ["200", "400", "401", "429", "500", "503"]),
        ("/users/", "post", ["201", "400", "401", "404", "408", "409", "413", "415", "422", "429", "500", "503"]),
        ("/users/{user}", "delete", ["204", "400", "401", "403", "404", "429", "500", "503"]),
        ("/ready", "get", ["200", "500", "503"]),
    ],
)
def test_the_answers_follow_from_what_is_taken_and_what_is_raised(api, path, method, statuses):
    assert list(api["paths"][path][method]["responses"]) == statuses


def test_every_problem_is_told_with_its_type_and_an_example(api):
    answer = api["paths"]["/posts/"]["post"]["responses"]["503"]
    slugs = {"unavailable", "too-slow", "outcome-unknown"}

    assert answer["content"]["application/problem+json"]["examples"].keys() == slugs
    assert all(f"`/problems/{slug}`: " in answer["description"] for slug in slugs)
    assert "Retry-After" in answer["headers"]


@pytest.mark.parametrize("error", [error for error, _ in problems._PROBLEM_TYPES])
def test_an_example_of_a_problem_is_what_would_be_answered(error):
    document = example(error)

    assert schemas.Problem.model_validate(document).type == f"/problems/{problems.problem_type(error).slug}"
    assert document["detail"]


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        (
            "/users/",
            [
                "changeProfile",
                "deleteUser",
                "followTimeline",
                "getAvatar",
                "getTimeline",
                "getUser",
                "listBlocks",
                "listFollowees",
                "listFollowers",
                "listPostsOfUser",
                "setPassword",
            ],
        ),
        ("/posts/", ["deletePost", "getPostOrPosts"]),
    ],
)
def test_what_is_made_leads_to_what_can_be_done_with_it(api, path, leads):
    assert sorted(api["paths"][path]["post"]["responses"]["201"]["links"]) == leads


def test_a_page_has_a_limit_a_cursor_and_links(api):
    said = api["paths"]["/users/{user}/followers"]["get"]
    [user, limit, cursor] = said["parameters"]

    assert (user["name"], user["schema"]["maximum"]) == ("user", 2**63 - 1)
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    assert cursor["name"] == "cursor"
    assert "Link" in said["responses"]["200"]["headers"]


@pytest.mark.parametrize(
    ("path", "key", "fits"),
    [
        ("/posts/", "7d0c1f", True),
        ("/posts/", '"7d0c1f"', True),
        ("/posts/", '"7d0c1f', False),
        ("/posts/", "", False),
        ("/users/", "0123456789abcdef", True),
        ("/users/", "0123456789abcde", False),
        ("/users/", '"0123456789abcd"', False),
    ],
)
def test_the_key_of_a_repeated_call_is_described_as_it_is_read(api, path, key, fits):
    [header] = [each for each in api["paths"][path]["post"]["parameters"] if each["in"] == "header"]

    assert bool(re.search(header["schema"]["pattern"], key)) == fits


@pytest.mark.parametrize("text", ["a", " a ", "a\n\tb", "\u00a0a", "a" * 500, "\U0001f600"])
def test_the_pattern_of_a_post_fits_what_is_taken(text):
    assert validation.content(text) == text
    assert re.search(validation.CONTENT, text)


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u2003", "a\x00", "\x7f", "a\r\nb", "\x85a"])
def test_the_pattern_of_a_post_fits_nothing_else(text):
    with pytest.raises(Invalid):
        validation.content(text)
    assert not re.search(validation.CONTENT, text)
