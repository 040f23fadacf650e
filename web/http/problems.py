"""Every error that a caller can see, in one table: its status, its stable type and what is said of it.

The answer is a problem document (RFC 9457): type, title, status, detail, ``errors`` with one entry a wrong field, and
the request's id. What is not in the table is a mistake of ours: 500, logged with its traceback, and nothing of it told.
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
    OutcomeUnknown,
    StoreUnavailable,
    TooManyFollowees,
    Transient,
    Unauthenticated,
    Unfinished,
    UsernameTaken,
    WorkerUnavailable,
)
from microblog_streams.domain.rates import Verdict
from microblog_streams.observability import logs
from web.http.rate_limit_headers import fields

log = logging.getLogger(__name__)

CONTENT_TYPE: Final = "application/problem+json"
#: Seconds after which trying again is worth it: a store's reconnection takes about that long.
RETRY_AFTER: Final = "2"
#: More than anybody mends at once; a body can hold thousands of wrong fields.
MAX_ERRORS: Final = 20


class InvalidFields(Exception):
    """Several fields of one request are wrong: pairs of field and message."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        """Keep the pairs, in the order of the request's model."""
        super().__init__("; ".join(f"{name}: {message}" for name, message in errors[:MAX_ERRORS]))
        self.errors = errors[:MAX_ERRORS]


class TooSlow(Exception):
    """The request was given up after its time limit."""


class TooManyRequests(Exception):
    """A caller's budget is used up; nothing was done."""

    def __init__(self, budget: str, verdict: Verdict) -> None:
        """Name the budget, and keep what is left of it."""
        most = verdict.tightest.rate
        super().__init__(f"The limit of {budget} is reached: {most}. Try again in {verdict.wait} s.")
        self.headers = {"Retry-After": str(verdict.wait), **fields(budget, verdict)}


class NotReady(Exception):
    """The worker does not serve requests yet, or not any more; the message is the reason."""


class Crowded(Exception):
    """There are too many connections: of one address, or of all."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: ``slug`` ends its type, the functions say what is particular to this one."""

    status: int
    slug: str
    title: str
    detail: Callable[[Any], str] = str
    errors: Callable[[Any], Sequence[tuple[str, str]]] = lambda _: ()
    headers: Mapping[str, str] = field(default_factory=dict)
    particular: Callable[[Any], Mapping[str, str]] = lambda _: {}


_RETRY: Final = {"Retry-After": RETRY_AFTER}
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="microblog"'}
_REFUSAL: Final = {"WWW-Authenticate": 'Bearer realm="microblog", error="invalid_token"'}
_UNKNOWN_EFFECT: Final = "The request took too long and was given up; whether it had an effect is unknown."

#: The first entry that fits counts, so the special stands before the general.
_KINDS: Final[tuple[tuple[type[Exception], Kind], ...]] = (
    (NotFound, Kind(404, "not-found", "Not found")),
    (Invalid, Kind(400, "invalid", "Invalid request", errors=lambda exc: [(exc.field, exc.message)])),
    (InvalidFields, Kind(400, "invalid", "Invalid request", errors=lambda exc: exc.errors)),
    (Blocked, Kind(403, "blocked", "Blocked")),
    (BadToken, Kind(401, "unauthenticated", "Unauthenticated", headers=_REFUSAL)),
    (Unauthenticated, Kind(401, "unauthenticated", "Unauthenticated", headers=_CHALLENGE)),
    (Forbidden, Kind(403, "forbidden", "Forbidden")),
    (UsernameTaken, Kind(409, "username-taken", "Username taken", errors=lambda exc: [("username", exc.reason)])),
    (
        KeyReused,
        Kind(
            422,
            "idempotency-key-reused",
            "Idempotency-Key reused",
            errors=lambda _: [("Idempotency-Key", "was used for another request")],
        ),
    ),
    (
        OutcomeUnknown,
        Kind(503, "outcome-unknown", "Outcome unknown", lambda exc: str(exc.advice), headers=_RETRY),
    ),
    (
        BrokerUnavailable,
        Kind(
            503, "unavailable", "Unavailable", lambda _: "kafka is away; nothing was done. Try again.", headers=_RETRY
        ),
    ),
    (
        StoreUnavailable,
        Kind(503, "unavailable", "Unavailable", lambda exc: f"{exc.store} is away. Try again.", headers=_RETRY),
    ),
    (
        Unfinished,
        Kind(503, "unfinished", "Unfinished", lambda _: "This timeline is being made. Try again.", headers=_RETRY),
    ),
    (Busy, Kind(503, "unavailable", "Unavailable", lambda exc: f"{exc}; nothing was done.", headers=_RETRY)),
    (WorkerUnavailable, Kind(503, "unavailable", "Unavailable", headers=_RETRY)),
    (
        Transient,
        Kind(503, "unavailable", "Unavailable", lambda _: "A part that this needs is away. Try again.", headers=_RETRY),
    ),
    (TooManyFollowees, Kind(409, "too-many-followees", "Too many followees")),
    (Conflict, Kind(409, "conflict", "Conflict")),
    (
        TooManyRequests,
        Kind(429, "too-many-requests", "Too many requests", headers=_RETRY, particular=lambda exc: exc.headers),
    ),
    (TooSlow, Kind(503, "too-slow", "Too slow", lambda _: _UNKNOWN_EFFECT, headers=_RETRY)),
    (
        Crowded,
        Kind(
            503,
            "too-many-connections",
            "Too many connections",
            lambda _: "There are too many connections, from your address or from all. Close some, or try again.",
            headers=_RETRY,
        ),
    ),
    (NotReady, Kind(503, "not-ready", "Not ready", headers=_RETRY)),
)

INTERNAL: Final = Kind(500, "internal", "Internal error", lambda _: "Something went wrong here. It was logged.")

#: Phrases that Python changed in 3.13: a problem's type is made from them, and must not change with it.
_PHRASES: Final = {413: "Request Entity Too Large", 414: "URI Too Long"}


#: What is said where there is no request yet.
_UNREAD: Final = {
    400: "This is no HTTP request as it should be.",
    408: "The request did not come in time.",
    414: "The path with its query is too long.",
    431: "A header is too long, or there are too many.",
}


def problem_response(exc: Exception, request: Request) -> Response:
    """Return the answer to a request that ended in ``exc``; logs what nobody expected."""
    if isinstance(exc, HTTPException):
        kind = _http_kind(exc, request)
    elif isinstance(exc, WebError):
        kind = _phrased(exc.code, exc.detail)
    else:
        kind = kind_of(type(exc))
    if kind is INTERNAL:
        log.error("request_failed method=%s path=%s", request.method, request.rel_url.raw_path, exc_info=exc)
    elif kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        log.debug("request_unavailable method=%s path=%s error=%r", request.method, request.rel_url.raw_path, exc)
    return _response(kind, exc)


async def answered(request: Request, handler: Handler) -> StreamResponse:
    """Return a handler's answer, also where it raises."""
    try:
        return await handler(request)
    except Exception as exc:
        return problem_response(exc, request)


def kind_of(error: type[Exception]) -> Kind:
    """Return what an error is to a caller, by its class alone."""
    if issubclass(error, HTTPException):
        return _phrased(error.status_code, None)
    return next((kind for known, kind in _KINDS if issubclass(error, known)), INTERNAL)


def document(kind: Kind, exc: Exception) -> dict[str, object]:
    """Return the problem document of one error."""
    found: dict[str, object] = {
        "type": f"/problems/{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.detail(exc),
    }
    if errors := kind.errors(exc):
        found["errors"] = [{"field": name, "message": message} for name, message in errors]
    return found | {"requestId": logs.request_id.get()}


def refusal(reason: HTTPException | Crowded | Invalid) -> Response:
    """Return the answer to what never became a request, because it cannot be read or is not taken."""
    if isinstance(reason, HTTPException):
        kind = _phrased(reason.status, _UNREAD.get(reason.status))
    else:
        kind = kind_of(type(reason))
    return _response(kind, reason)


def _http_kind(exc: HTTPException, request: Request) -> Kind:
    """Describe what the router, the lock, the limits or a body's reader raised."""
    allowed = exc.headers.get("Allow", "")
    details = {
        404: "There is nothing at this path.",
        405: f"{request.method} is not possible here; these are: {allowed.replace(',', ', ')}.",
        408: "The body did not come in time.",
        413: f"The body is larger than {request.client_max_size:,} bytes.",
        415: "The body must be JSON in UTF-8, sent as 'Content-Type: application/json' and not compressed.",
    }
    kind = _phrased(exc.status, details.get(exc.status))
    if exc.status == HTTPStatus.NOT_FOUND:
        return replace(kind, slug="unknown-path")
    if exc.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return replace(kind, errors=lambda _: [("body", "is too large")])
    return replace(kind, headers={"Allow": allowed} if allowed else {})


def _phrased(status: int, detail: str | None) -> Kind:
    """Describe what is known by its status alone."""
    phrase = _PHRASES.get(status) or HTTPStatus(status).phrase
    headers = _RETRY if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Kind(
        int(status), phrase.lower().replace(" ", "-"), phrase, lambda _: detail or f"{phrase}.", headers=headers
    )


def _response(kind: Kind, exc: Exception) -> Response:
    # A field's name comes from the request and may hold half a character (a lone surrogate): "?" stands for it.
    body = json.dumps(document(kind, exc), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    headers = {**kind.headers, **kind.particular(exc)}
    return Response(status=kind.status, body=body, content_type=CONTENT_TYPE, headers=headers)
