"""The operations: every method of every path, with its texts, its parameters and its body.

Texts come from docstrings: the first line is the summary, the rest the description, in Markdown. Parameters of the path
are described in ``PATH``, by name; those of the query, the headers and the body follow from the method's endpoint.
"""

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from microblog_streams.domain.errors import SetupError
from microblog_streams.operations.validation import MAX_USERNAME
from microblog_streams.search.query import MAX_QUERY
from web.api.view import Endpoint, View, endpoint_of
from web.http import idempotency, params
from web.openapi.components import Schemas

#: Without HEAD and OPTIONS, which the document describes once for all paths.
_METHODS: Final = ("get", "post", "put", "patch", "delete")

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
#: Query parameters of single endpoints.
_QUERY: Final[Mapping[str, Json]] = {
    "limit": _LIMIT,
    "q": {
        "name": "q",
        "in": "query",
        "required": True,
        "description": "What to find.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_QUERY, "format": "query"},
        "example": "hello",
    },
    "sort": {
        "name": "sort",
        "in": "query",
        "description": "The order: the newest posts first, or those that match best.",
        "schema": {"type": "string", "enum": list(params.SORTS), "default": params.SORTS[0]},
    },
    "last_event_id": {
        "name": "last_event_id",
        "in": "query",
        "description": "As the header `Last-Event-ID`, for clients that cannot set it.",
        "schema": {"type": "string", "format": "event-id"},
    },
    "username": {
        "name": "username",
        "in": "query",
        "description": "The name to find, in any case and Unicode form. Cannot be combined with a cursor.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_USERNAME, "format": "username"},
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


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path; ``module`` is the view's, ``docstring`` the method's."""

    path: str
    method: str
    module: str
    docstring: str
    endpoint: Endpoint

    @property
    def tag(self) -> str:
        """The noun that the operation is about: the name of its module."""
        return self.module.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Api:
    """All operations and their schemas; ``required`` is whether calls need their token."""

    operations: Sequence[Operation]
    schemas: Schemas
    required: bool


def operations(routes: Iterable[tuple[str, type[View]]], required: bool) -> list[Operation]:
    """Return every operation, in the order of the routes. Raises SetupError for a method without an endpoint."""
    found = [one for path, view in routes for name in _METHODS if (one := _operation(path, view, name))]
    return found if required else [replace(one, endpoint=_in_open_mode(one.endpoint)) for one in found]


def _operation(path: str, view: type[View], name: str) -> Operation | None:
    method = getattr(view, name)
    if method is getattr(View, name):
        return None
    if (endpoint := endpoint_of(method)) is None:
        raise SetupError(f"{name.upper()} {path} is not described: {view.__qualname__}.{name} needs an @endpoint")
    return Operation(path, name, view.__module__, inspect.getdoc(method) or "", endpoint)


def _in_open_mode(endpoint: Endpoint) -> Endpoint:
    return replace(endpoint, response=endpoint.open_response or endpoint.response)


def summary(docstring: str) -> str:
    """Return the first line."""
    return _markdown(docstring.partition("\n")[0].strip())


def description(docstring: str) -> dict[str, str]:
    """Return the field with what follows the first line, one line for each paragraph; empty without it."""
    paragraphs = docstring.partition("\n")[2].strip().split("\n\n")
    text = _markdown("\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs))
    return {"description": text} if text else {}


def _markdown(text: str) -> str:
    return text.replace("``", "`")


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
