"""What a request carries: parameters of its path and query, headers, and its body."""

import re
from collections.abc import Mapping
from typing import Any, Final

from microblog_streams.operations.validation import MAX_USERNAME
from web.http import idempotency, params
from web.openapi.operations import Operation
from web.openapi.schemas import Schemas

Json = dict[str, Any]

_USER: Final = {"type": "integer", "format": "int64", "minimum": params.USER_ID.least, "maximum": params.USER_ID.most}
_POST: Final = {"type": "string", "format": "uuid"}

#: Every parameter that a path may have: what it means, its schema, and an example.
PATH: Final[Mapping[str, tuple[str, Json, object]]] = {
    "user": ("A user's id.", _USER, 1),
    "follower": ("The id of the user who follows.", _USER, 2),
    "followee": ("The id of the user who is followed.", _USER, 1),
    "blocker": ("The id of the user who blocks.", _USER, 2),
    "blocked": ("The id of the user who is blocked.", _USER, 1),
    "token": ("A token's id.", _USER, 1),
    "ident": ("A post's id, or a user's for all posts of theirs.", {"anyOf": [_POST, _USER]}, 1),
    "post": ("A post's id.", _POST, "01a20d6d-64e5-7c3b-8d2e-6f1a2b3c4d5e"),
}
#: Parameters of a query that one call alone has.
_QUERY: Final[Mapping[str, Json]] = {
    "username": {
        "name": "username",
        "in": "query",
        "description": "Whom to look for, in any case and form of the name. It goes with no cursor.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_USERNAME, "format": "username"},
    }
}
_LIMIT: Final = {
    "name": "limit",
    "in": "query",
    "description": "How many items the page has at most.",
    "schema": {
        "type": "integer",
        "minimum": params.LIMIT.least,
        "maximum": params.LIMIT.most,
        "default": params.DEFAULT_LIMIT,
    },
}
_CURSOR: Final = {
    "name": "cursor",
    "in": "query",
    "description": "Where the page goes on, as the `Link` of another page has it. It is opaque.",
    "schema": {"type": "string", "format": "cursor"},
}
_IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of an earlier answer: where nothing is new, the answer is a 304 without body.",
    "schema": {"type": "string"},
}


def of(operation: Operation) -> Json:
    """Return the field with all parameters of an operation; none where it has none."""
    call = operation.call
    found = [_in_path(name, call.path.get(name, name)) for name in re.findall(r"{(\w+)}", operation.path)]
    found += [_QUERY[name] for name in call.query]
    found += [_LIMIT, _CURSOR] if call.paged else []
    found += [_key(call.once)] if call.once else []
    found += [_IF_NONE_MATCH] if call.tagged else []
    return {"parameters": found} if found else {}


def body(operation: Operation, schemas: Schemas) -> Json:
    """Return the field with the body that an operation takes; none where it takes none."""
    model = operation.call.takes
    if model is None:
        return {}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schemas.taken(model)}}}}


def _in_path(name: str, meaning: str) -> Json:
    words, schema, example = PATH[meaning]
    return {"name": name, "in": "path", "required": True, "description": words, "schema": schema, "example": example}


def _key(least: int) -> Json:
    return {
        "name": idempotency.HEADER,
        "in": "header",
        "description": "Makes the call happen once, however often it is repeated with the same key: a random UUID.",
        "schema": {"type": "string", "pattern": idempotency.pattern(least)},
        "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
    }
