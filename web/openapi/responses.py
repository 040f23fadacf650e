"""What an operation may return: its own response with links to further operations, and every problem, by status.

A status with several types of problems describes each by the docstring of its exception and by an example, which is
generated from an exception as the server's own responses are.
"""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from aiohttp.web import HTTPRequestEntityTooLarge, HTTPRequestTimeout, HTTPUnsupportedMediaType
from limits import RateLimitItemPerMinute

from microblog_streams.domain.errors import (
    BadToken,
    Blocked,
    BrokerUnavailable,
    Busy,
    Conflict,
    Forbidden,
    Invalid,
    KeyReused,
    NotFound,
    NotStoredYet,
    OutcomeUnknown,
    SearchOff,
    StoreUnavailable,
    TooManyFollowees,
    TooManyStreams,
    Unauthenticated,
    Unfinished,
    UsernameTaken,
    WorkerUnavailable,
    WrongLogin,
)
from microblog_streams.domain.rates import Left, Verdict
from web.api import schemas
from web.api.view import Access
from web.http.authorization import HOW_TO_AUTHENTICATE
from web.http.problems import (
    CONTENT_TYPE,
    CrossSite,
    InvalidFields,
    NotReady,
    TooManyRequests,
    TooSlow,
    problem_document,
    problem_type,
)
from web.openapi.components import headers
from web.openapi.operations import Api, Operation, parameters, summary

Json = dict[str, Any]
Errors = tuple[type[Exception], ...]


class InternalError(Exception):
    """A bug in the server; it was logged."""


#: What every call can raise.
_ALWAYS: Final[Errors] = (StoreUnavailable, TooSlow, InternalError)
#: What reading a body can raise.
_WITH_BODY: Final[Errors] = (InvalidFields, HTTPRequestTimeout, HTTPRequestEntityTooLarge, HTTPUnsupportedMediaType)
#: What the check of the access can raise. An invalid token is refused even where none is needed.
_BY_ACCESS: Final[Mapping[Access, Errors]] = {
    Access.ANONYMOUS: (),
    Access.PUBLIC: (BadToken,),
    Access.AUTHENTICATED: (BadToken, Unauthenticated),
    Access.OWNER: (BadToken, Unauthenticated, Forbidden),
}
#: The types of what is created: the field with its id, and the path parameter that takes it.
_CREATED_IDS: Final[Mapping[type, tuple[str, str]]] = {
    schemas.User: ("id", "user"),
    schemas.Registered: ("id", "user"),
    schemas.Post: ("postId", "ident"),
    schemas.IssuedToken: ("id", "token"),
}

_EXAMPLE_REQUEST_ID: Final = "4e8f6a0c-3d1b-4c57-9a62-0b7d5e9f1c24"

#: Examples of the exceptions that have arguments.
_EXAMPLES: Final[Mapping[type[Exception], Exception]] = {
    type(error): error
    for error in (
        NotFound("user", 7),
        Invalid("limit", "must be a whole number from 1 to 100"),
        InvalidFields([("userId", "must be a whole number"), ("content", "is missing")]),
        BadToken(),
        Unauthenticated(HOW_TO_AUTHENTICATE),
        WrongLogin(),
        Forbidden("The token does not belong to user 7."),
        Blocked(7),
        CrossSite("This call is only for the pages of this server; programs send a token."),
        Busy(),
        NotStoredYet(UUID("01a20d6d-64e5-7c3b-8d2e-6f1a2b3c4d5e")),
        UsernameTaken("ann"),
        Conflict("The request contradicts the current state."),
        KeyReused(),
        OutcomeUnknown("not confirmed in time"),
        BrokerUnavailable("no connection"),
        StoreUnavailable("redis", "no connection"),
        Unfinished(),
        WorkerUnavailable("worker w6067, which has it, does not answer"),
        SearchOff(),
        TooManyFollowees(7_500),
        TooManyStreams(8),
        TooManyRequests("reading", Verdict(False, [Left(RateLimitItemPerMinute(1_200), 0, 12.0)])),
        TooSlow(),
        NotReady("the worker is stopping"),
    )
}


def responses(operation: Operation, api: Api) -> Json:
    """Return every response of an operation by its status."""
    found = {str(operation.endpoint.status): _success(operation, api)}
    if operation.endpoint.has_etag:
        found["304"] = {"description": "Nothing has changed.", "headers": headers(["ETag"])}
    found |= _problems(operation, api)
    return dict(sorted(found.items()))


def requires_token(access: Access, required: bool) -> bool:
    """Return whether a call needs a token; in open mode only the calls about the caller's tokens do."""
    return access is Access.AUTHENTICATED or (required and access is Access.OWNER)


def example(error: type[Exception]) -> Json:
    """Return the problem document of an exception of this class."""
    exception = _EXAMPLES.get(error) or error.__new__(error)
    return problem_document(problem_type(error), exception) | {"requestId": _EXAMPLE_REQUEST_ID}


def _success(operation: Operation, api: Api) -> Json:
    endpoint = operation.endpoint
    names = [
        *(["Location"] if endpoint.status == HTTPStatus.CREATED else []),
        *(["Link"] if endpoint.paged else []),
        *(["ETag"] if endpoint.has_etag else []),
        *([] if endpoint.access is Access.ANONYMOUS else ["RateLimit", "RateLimit-Policy"]),
        *endpoint.headers,
    ]
    found: Json = {
        "description": HTTPStatus(endpoint.status).phrase,
        "headers": headers(names),
        **_links(operation, api),
    }
    if endpoint.response is not None:
        found["content"] = {endpoint.media_type: {"schema": api.schemas.of_response(endpoint.response)}}
    return found


def _links(operation: Operation, api: Api) -> Json:
    """Return the field with links to all operations that take the id of what this one creates; empty without any."""
    endpoint = operation.endpoint
    if endpoint.status != HTTPStatus.CREATED or endpoint.response not in _CREATED_IDS:
        return {}
    field, name = _CREATED_IDS[endpoint.response]
    targets = [other for other in api.operations if re.findall(r"{(\w+)}", other.path) == [name]]
    ids = [other.endpoint.operation_id for other in targets]
    return {"links": {each: {"operationId": each, "parameters": {name: f"$response.body#/{field}"}} for each in ids}}


def _problems(operation: Operation, api: Api) -> Json:
    """Return a response for each status of the errors that the operation can raise."""
    found = sorted(dict.fromkeys(_raised(operation, api.required)), key=_status)
    return {
        str(status): {
            "description": _describe(errors := tuple(group)),
            "headers": headers(sorted({name for error in errors for name in _headers(error)})),
            "content": {
                CONTENT_TYPE: {
                    "schema": api.schemas.of_response(schemas.Problem),
                    "examples": {problem_type(error).slug: {"value": example(error)} for error in errors},
                }
            },
        }
        for status, group in groupby(found, key=_status)
    }


def _raised(operation: Operation, required: bool) -> Iterable[type[Exception]]:
    endpoint = operation.endpoint
    access = endpoint.access
    yield from (Invalid,) if parameters(operation) else ()
    yield from _WITH_BODY if endpoint.body else ()
    yield from (KeyReused,) if endpoint.min_key_length else ()
    yield from () if access is Access.ANONYMOUS else (TooManyRequests,)
    yield from _BY_ACCESS[access] if required or access is Access.AUTHENTICATED else ()
    yield from endpoint.raises
    yield from _ALWAYS


def _headers(error: type[Exception]) -> Iterable[str]:
    yield from problem_type(error).headers
    yield from ("RateLimit", "RateLimit-Policy") if error is TooManyRequests else ()


def _status(error: type[Exception]) -> int:
    return problem_type(error).status


def _describe(errors: Errors) -> str:
    """Return a line for each type of problem, with the summary of the exception's docstring."""
    lines: dict[str, str] = {}
    for error in errors:
        problem = problem_type(error)
        text = summary(error.__doc__ or "") or f"{problem.title}."
        lines.setdefault(problem.slug, f"`/problems/{problem.slug}`: {text}")
    return "\n\n".join(lines.values())
