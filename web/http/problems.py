"""Errors as problem documents (RFC 9457): one table maps each exception to a status, a stable type and a detail.

A document has type, title, status, detail, ``errors`` with one entry for each wrong field, and the request's id.
Exceptions that are not in the table are bugs: the answer is a 500 without any of it, and the traceback is logged.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final

from aiohttp.typedefs import Handler
from aiohttp.web import HTTPException, Request, Response, StreamResponse
from faust.web.exceptions import WebError

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
    Transient,
    Unauthenticated,
    Unfinished,
    UsernameTaken,
    WorkerUnavailable,
)
from microblog_streams.domain.rates import Verdict
from microblog_streams.logs.context import request_id
from web.http.params import method_name, resource_of, route_name
from web.http.responses import rate_limit_headers

log = logging.getLogger(__name__)

CONTENT_TYPE: Final = "application/problem+json"
#: The ``Retry-After`` of a 503: a store's reconnection takes about that long.
RETRY_AFTER_SECONDS: Final = "2"
#: Wrong fields that a document lists; a body can have thousands.
MAX_FIELD_ERRORS: Final = 20


class InvalidFields(Exception):
    """Several fields of one request are wrong."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        """``errors`` are pairs of field and message, in the order of the request's model."""
        super().__init__("; ".join(f"{name}: {message}" for name, message in errors[:MAX_FIELD_ERRORS]))
        self.errors = errors[:MAX_FIELD_ERRORS]


class TooSlow(Exception):
    """The request exceeded its time limit and was cancelled."""


class TooManyRequests(Exception):
    """The caller exceeded a rate limit; nothing was done."""

    def __init__(self, limit: str, verdict: Verdict) -> None:
        """``limit`` is the rate limit's name."""
        rate = verdict.tightest.rate
        window = rate.GRANULARITY.name if rate.multiples == 1 else f"{rate.multiples} {rate.GRANULARITY.name}s"
        super().__init__(
            f"Rate limit exceeded: {limit} allows {rate.amount} requests per {window}. Try again in {verdict.wait} s."
        )
        self.headers = {"Retry-After": str(verdict.wait), **rate_limit_headers(limit, verdict)}


class CrossSite(Exception):
    """The call is only for the server's own pages, and another sent it; nothing was done."""


class NotReady(Exception):
    """The worker is starting or stopping and serves no requests; the message is the reason."""


class TooManyConnections(Exception):
    """Too many connections are open: from one address, or in total."""


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A type of problem. ``slug`` ends the URL of its type; the functions return what depends on the exception."""

    status: int
    slug: str
    title: str
    detail: Callable[[Any], str] = str
    errors: Callable[[Any], Sequence[tuple[str, str]]] = lambda _: ()
    headers: Mapping[str, str] = field(default_factory=dict)
    exception_headers: Callable[[Any], Mapping[str, str]] = lambda _: {}


_RETRY: Final = {"Retry-After": RETRY_AFTER_SECONDS}
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="microblog"'}
_INVALID_TOKEN: Final = {"WWW-Authenticate": 'Bearer realm="microblog", error="invalid_token"'}
_TOO_SLOW: Final = "The request took too long and was cancelled; whether it took effect is unknown."


def _invalid(errors: Callable[[Any], Sequence[tuple[str, str]]]) -> ProblemType:
    return ProblemType(400, "invalid", "Invalid request", errors=errors)


def _unauthenticated(challenge: Mapping[str, str]) -> ProblemType:
    return ProblemType(401, "unauthenticated", "Unauthenticated", headers=challenge)


def _retryable(slug: str, title: str, detail: Callable[[Any], str] = str) -> ProblemType:
    return ProblemType(503, slug, title, detail, headers=_RETRY)


def _unavailable(detail: Callable[[Any], str] = str) -> ProblemType:
    return _retryable("unavailable", "Unavailable", detail)


_TOO_MANY_CONNECTIONS: Final = "Too many connections are open, from your address or in total. Close some, or try again."
_KEY_REUSED: Final = ("Idempotency-Key", "was used for another request")

#: The first entry whose class matches counts, so subclasses come before their bases.
_PROBLEM_TYPES: Final[tuple[tuple[type[Exception], ProblemType], ...]] = (
    (NotFound, ProblemType(404, "not-found", "Not found")),
    (SearchOff, ProblemType(404, "search-off", "No search")),
    (Invalid, _invalid(lambda exc: [(exc.field, exc.message)])),
    (InvalidFields, _invalid(lambda exc: exc.errors)),
    (Blocked, ProblemType(403, "blocked", "Blocked")),
    (BadToken, _unauthenticated(_INVALID_TOKEN)),
    (Unauthenticated, _unauthenticated(_CHALLENGE)),
    (Forbidden, ProblemType(403, "forbidden", "Forbidden")),
    (CrossSite, ProblemType(403, "cross-site", "Cross-site request")),
    (
        UsernameTaken,
        ProblemType(409, "username-taken", "Username taken", errors=lambda exc: [("username", exc.reason)]),
    ),
    (
        KeyReused,
        ProblemType(422, "idempotency-key-reused", "Idempotency-Key reused", errors=lambda _: [_KEY_REUSED]),
    ),
    (OutcomeUnknown, _retryable("outcome-unknown", "Outcome unknown", lambda exc: str(exc.advice))),
    (BrokerUnavailable, _unavailable(lambda _: "kafka is unavailable; nothing was done. Try again.")),
    (StoreUnavailable, _unavailable(lambda exc: f"{exc.store} is unavailable. Try again.")),
    (Unfinished, _retryable("unfinished", "Unfinished", lambda _: "This timeline is being rebuilt. Try again.")),
    (Busy, _unavailable(lambda exc: f"{exc}; nothing was done.")),
    (NotStoredYet, _unavailable(lambda exc: f"{exc}; nothing was done. Try again.")),
    (WorkerUnavailable, _unavailable()),
    (Transient, _unavailable(lambda _: "A service that this request needs is unavailable. Try again.")),
    (TooManyFollowees, ProblemType(409, "too-many-followees", "Too many followees")),
    (Conflict, ProblemType(409, "conflict", "Conflict")),
    (
        TooManyRequests,
        ProblemType(
            429, "too-many-requests", "Too many requests", headers=_RETRY, exception_headers=lambda exc: exc.headers
        ),
    ),
    (TooManyStreams, ProblemType(429, "too-many-streams", "Too many streams", headers=_RETRY)),
    (TooSlow, _retryable("too-slow", "Too slow", lambda _: _TOO_SLOW)),
    (TooManyConnections, _retryable("too-many-connections", "Too many connections", lambda _: _TOO_MANY_CONNECTIONS)),
    (NotReady, _retryable("not-ready", "Not ready")),
)

INTERNAL: Final = ProblemType(500, "internal", "Internal error", lambda _: "An internal error occurred. It was logged.")

#: Phrases that Python 3.13 changed: the types of problems are made of them, and stay as they were.
_PHRASES: Final = {413: "Request Entity Too Large", 414: "URI Too Long"}

#: Details of errors that occur before there is a request.
_EARLY_DETAILS: Final = {
    400: "This is not a valid HTTP request.",
    408: "The request did not arrive in time.",
    414: "The path with its query is too long.",
    431: "A header is too long, or there are too many headers.",
}


def problem_response(exc: Exception, request: Request) -> Response:
    """Return the response to a request that raised ``exc``; log exceptions that are not in the table."""
    if isinstance(exc, HTTPException):
        problem = _http_problem_type(exc, request)
    elif isinstance(exc, WebError):
        problem = _status_problem_type(exc.code, exc.detail)
    else:
        problem = problem_type(type(exc))
    if problem is INTERNAL:
        log.error("request_failed method=%s route=%s path=%s", *_labels(request), exc_info=exc)
    elif problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        log.debug("request_unavailable method=%s route=%s path=%s error=%s", *_labels(request), exc)
    return _response(problem, exc)


def _labels(request: Request) -> tuple[str, str, str]:
    """Return the method, the route and the path as it was sent."""
    return method_name(request.method), route_name(resource_of(request)), request.rel_url.raw_path


async def with_problems(request: Request, handler: Handler) -> StreamResponse:
    """Return the handler's response, a problem document if it raises."""
    try:
        return await handler(request)
    except Exception as exc:
        return problem_response(exc, request)


def problem_type(error: type[Exception]) -> ProblemType:
    """Return the type of problem of an exception's class."""
    if issubclass(error, HTTPException):
        return _status_problem_type(error.status_code, None)
    return next((problem for known, problem in _PROBLEM_TYPES if issubclass(error, known)), INTERNAL)


def problem_document(problem: ProblemType, exc: Exception) -> dict[str, object]:
    """Return the problem document of an exception."""
    document: dict[str, object] = {
        "type": f"/problems/{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail(exc),
    }
    if errors := problem.errors(exc):
        document["errors"] = [{"field": name, "message": message} for name, message in errors]
    return document | {"requestId": request_id.get()}


def early_problem_response(reason: HTTPException | TooManyConnections | Invalid) -> Response:
    """Return the response to bytes that are no valid request, or to a connection that is not accepted."""
    if isinstance(reason, HTTPException):
        problem = _status_problem_type(reason.status, _EARLY_DETAILS.get(reason.status))
    else:
        problem = problem_type(type(reason))
    return _response(problem, reason)


def _http_problem_type(exc: HTTPException, request: Request) -> ProblemType:
    """Return the type of an error that aiohttp, a middleware or the reader of a body raised."""
    allowed = exc.headers.get("Allow", "")
    details = {
        404: "There is nothing at this path.",
        405: f"{request.method} is not allowed here; allowed methods: {allowed.replace(',', ', ')}.",
        408: "The body did not arrive in time.",
        413: f"The body is larger than {request.client_max_size:,} bytes.",
        415: "The body must be JSON in UTF-8, sent as 'Content-Type: application/json' and not compressed.",
    }
    problem = _status_problem_type(exc.status, details.get(exc.status))
    if exc.status == HTTPStatus.NOT_FOUND:
        return replace(problem, slug="unknown-path")
    if exc.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return replace(problem, errors=lambda _: [("body", "is too large")])
    return replace(problem, headers={"Allow": allowed} if allowed else {})


def _status_problem_type(status: int, detail: str | None) -> ProblemType:
    """Return the type of an error of which only the status is known; the status' phrase is its title."""
    phrase = _PHRASES.get(status) or HTTPStatus(status).phrase
    headers = _RETRY if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    slug = phrase.lower().replace(" ", "-")
    return ProblemType(int(status), slug, phrase, lambda _: detail or f"{phrase}.", headers=headers)


def _response(problem: ProblemType, exc: Exception) -> Response:
    document = problem_document(problem, exc)
    # A field's name comes from the request and may contain a lone surrogate, which "replace" turns into "?".
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    headers = {**problem.headers, **problem.exception_headers(exc)}
    return Response(status=problem.status, body=body, content_type=CONTENT_TYPE, headers=headers)
