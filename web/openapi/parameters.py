"""What an operation takes: parameters of its path and query, headers, and its body."""

import re
from collections.abc import Mapping
from typing import Any, Final

from microblog_streams.operations.validation import MAX_USERNAME
from web.http import idempotency, params
from web.openapi.components import Schemas
from web.openapi.operations import Operation

Json = dict[str, Any]

_USER_ID: Final = {
    "type": "integer",
    "format": "int64",
    "minimum": params.USER_ID.minimum,
    "maximum": params.USER_ID.maximum,
}
_POST_ID: Final = {"type": "string", "format": "uuid"}

#: Every path parameter: its description, schema and example.
PATH: Final[Mapping[str, tuple[str, Json, object]]] = {
    "user": ("A user's id.", _USER_ID, 1),
    "follower": ("The id of the user who follows.", _USER_ID, 2),
    "followee": ("The id of the user who is followed.", _USER_ID, 1),
    "blocker": ("The id of the user who blocks.", _USER_ID, 2),
    "blocked": ("The id of the user who is blocked.", _USER_ID, 1),
    "token": ("A token's id.", _USER_ID, 1),
    "ident": ("A post's id, or a user's id for all of their posts.", {"anyOf": [_POST_ID, _USER_ID]}, 1),
    "post": ("A post's id.", _POST_ID, "01a20d6d-64e5-7c3b-8d2e-6f1a2b3c4d5e"),
}
#: Query parameters of single endpoints.
_QUERY: Final[Mapping[str, Json]] = {
    "username": {
        "name": "username",
        "in": "query",
        "description": "The name to find, in any case and Unicode form. Cannot be combined with a cursor.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_USERNAME, "format": "username"},
    }
}
_LIMIT: Final = {
    "name": "limit",
    "in": "query",
    "description": "The maximum number of items.",
    "schema": {
        "type": "integer",
        "minimum": params.LIMIT.minimum,
        "maximum": params.LIMIT.maximum,
        "default": params.DEFAULT_LIMIT,
    },
}
_CURSOR: Final = {
    "name": "cursor",
    "in": "query",
    "description": "Where the page begins: an opaque text from the `Link` header of another page.",
    "schema": {"type": "string", "format": "cursor"},
}
_IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of an earlier response: if nothing has changed, the response is a 304 without body.",
    "schema": {"type": "string"},
}


def parameters(operation: Operation) -> Json:
    """Return the field with all parameters of an operation; empty without any."""
    endpoint = operation.endpoint
    found = [_in_path(name, endpoint.path_parameters.get(name, name)) for name in _names(operation.path)]
    found += [_QUERY[name] for name in endpoint.query]
    found += [_LIMIT, _CURSOR] if endpoint.paged else []
    found += [_idempotency_key(endpoint.min_key_length)] if endpoint.min_key_length else []
    found += [_IF_NONE_MATCH] if endpoint.has_etag else []
    return {"parameters": found} if found else {}


def request_body(operation: Operation, schemas: Schemas) -> Json:
    """Return the field with the body of an operation; empty without one."""
    model = operation.endpoint.body
    if model is None:
        return {}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schemas.of_request(model)}}}}


def _names(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)


def _in_path(name: str, meaning: str) -> Json:
    text, schema, example = PATH[meaning]
    return {"name": name, "in": "path", "required": True, "description": text, "schema": schema, "example": example}


def _idempotency_key(min_length: int) -> Json:
    return {
        "name": idempotency.HEADER,
        "in": "header",
        "description": "A random UUID. The call takes effect once, however often it is repeated with the same key.",
        "schema": {"type": "string", "pattern": idempotency.key_pattern(min_length)},
        "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
    }
