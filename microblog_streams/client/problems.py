"""Reading what the server says of errors, with trust in none of it: a gateway's page in HTML is an answer too.

The type of a problem decides which exception it is, its status where the type is not known: so a kind of problem that a
newer server tells of is still an error of the right sort.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from pydantic import ValidationError

from microblog_streams.client.errors import (
    ApiError,
    Blocked,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    KeyReused,
    NotFound,
    OutcomeUnknown,
    Problem,
    TooManyFollowees,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    Unfinished,
    UsernameTaken,
)
from microblog_streams.client.messages import Answer
from microblog_streams.client.models import Model

_BY_TYPE: Final[Mapping[str, type[ApiError]]] = {
    "/problems/blocked": Blocked,
    "/problems/username-taken": UsernameTaken,
    "/problems/too-many-followees": TooManyFollowees,
    "/problems/unfinished": Unfinished,
    "/problems/outcome-unknown": OutcomeUnknown,
    "/problems/too-slow": OutcomeUnknown,
}
_BY_STATUS: Final[Mapping[int, type[ApiError]]] = {
    400: Invalid,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: KeyReused,
    429: TooManyRequests,
    502: OutcomeUnknown,
    503: Unavailable,
    504: OutcomeUnknown,
}


class _Field(Model):
    field: str
    message: str


class _Document(Model):
    type: str = "about:blank"
    title: str = ""
    detail: str = ""
    errors: tuple[_Field, ...] = ()
    request_id: str | None = None


def error(answer: Answer) -> ApiError:
    """Return the exception for an answer that is no success."""
    if answer.incomplete:
        return _incomplete(answer)
    document = _read(answer)
    return _error_of(
        Problem(
            answer.status,
            document.type,
            document.title or _phrase(answer.status),
            document.detail or f"The server answered {answer.status} {_phrase(answer.status)}.",
            [FieldError(each.field, each.message) for each in document.errors],
            document.request_id or answer.headers.get("X-Request-ID"),
            retry_after(answer),
        )
    )


def retry_after(answer: Answer, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """Return the seconds to wait by ``Retry-After``, a number or a date; None where it is not there or neither."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now()).total_seconds())
    except (TypeError, ValueError):
        return None


def _read(answer: Answer) -> _Document:
    try:
        return _Document.model_validate_json(answer.body)
    except ValidationError:
        return _Document()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown status"


def _incomplete(answer: Answer) -> Unfinished:
    """Return what a page without all of its posts is for whoever wanted all of them."""
    detail = "This timeline is being put together, and its newest page is not complete yet. Try again."
    return Unfinished(
        Problem(
            answer.status,
            "/problems/unfinished",
            "Unfinished",
            detail,
            request_id=answer.headers.get("X-Request-ID"),
            retry_after=retry_after(answer),
        )
    )


def _error_of(problem: Problem) -> ApiError:
    """Return the exception that a problem is."""
    kind = _BY_TYPE.get(problem.type) or _BY_STATUS.get(problem.status, ApiError)
    return kind(problem)
