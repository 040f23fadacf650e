"""What schemathesis has to be told of the API, because no schema can say it. Loaded by schemathesis.toml.

What a name is made of is a rule of Unicode's, and a cursor is the server's own: so good ones are made here. And some
requests fit their schemas and are refused all the same; only the refusals that say exactly this are forgiven.
"""

from typing import Any, Final
from uuid import UUID

import schemathesis
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from web.http.paging import CursorKind, encode_cursor

_NAMES = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789_-.äßøłжя李雷가あ", min_size=1, max_size=50)

_POST: Final = UUID("01a20d6d-64e5-7c3b-8d2e-6f1a2b3c4d5e")
#: Of each call that is paged: the kind of its cursors, and a position that one may hold.
_CURSORS: Final = {
    "listUsers": (CursorKind.USERS, 1),
    "listFollowers": (CursorKind.FOLLOWERS, 1),
    "listFollowees": (CursorKind.FOLLOWEES, 1),
    "listPostsOfUser": (CursorKind.POSTS, _POST),
    "getPostOrPosts": (CursorKind.POSTS, _POST),
    "listBlocks": (CursorKind.BLOCKS, 1),
    "getTimeline": (CursorKind.OLDER, _POST),
    "getPublicTimeline": (CursorKind.OLDER, _POST),
}

#: Words of a query; that of users must leave something of a name.
_QUERIES = st.lists(st.text("abcäøя李가", min_size=1, max_size=8), min_size=1, max_size=4).map(" ".join)
#: Lists whose cursors are of one query.
_SEARCHES: Final = {"searchPosts", "searchUsers"}

_LINKS = st.from_regex(r"\Ahttps://[a-z]{1,20}\.example(/[a-z0-9]{1,20}){0,3}\Z")

schemathesis.openapi.format("username", _NAMES)
schemathesis.openapi.format("https-url", _LINKS)
schemathesis.openapi.format("query", _QUERIES)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Give a good request a cursor of its page, where it has one."""
    if case.meta.generation.mode == GenerationMode.POSITIVE and "cursor" in (case.query or {}):
        operation = case.operation.definition.raw["operationId"]
        if operation in _SEARCHES:
            del case.query["cursor"]
            return
        kind, position = _CURSORS[operation]
        owner = next(iter(case.path_parameters.values()), 0)
        case.query["cursor"] = encode_cursor(kind, int(owner) if str(owner).isdecimal() else 0, position)


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Return whether the failure counts."""
    if "positive_data_acceptance" not in failure.checks:
        return True
    problem = response.json()
    wrong = [(problem["type"], error["field"]) for error in problem.get("errors", [])]
    return not _beyond_schemas(wrong, case)


def _beyond_schemas(wrong: list[tuple[str, str]], case: Any) -> bool:
    """Return whether a request is refused for what its schema cannot say."""
    match wrong:
        case [("/problems/idempotency-key-reused", "Idempotency-Key")]:
            return True  # it came before, with another request
        case [("/problems/invalid", "followeeId")]:
            return bool(case.path_parameters["follower"] == case.path_parameters["followee"])
        case [("/problems/invalid", "cursor")]:
            return "username" in case.query  # there is one page of a name
        case [("/problems/invalid", "blockedId")]:
            return bool(case.path_parameters["blocker"] == case.path_parameters["blocked"])
        case [("/problems/invalid", str(field))] if field.startswith("links."):
            # Texts of a certain length are made without a look at the format.
            return not str(case.body["links"][int(field.removeprefix("links."))]).startswith("https://")
        case [("/problems/invalid", "userId")]:
            return isinstance(case.body["userId"], float)  # 1.0 is an integer to JSON Schema, and not to this API
    return False
