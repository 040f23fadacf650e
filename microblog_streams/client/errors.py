"""The exceptions that a call can raise, and which of them a response stands for.

``ApiError`` and its subclasses are problems that the server reported; the other errors come without a usable response.
The ``type`` of a problem document selects the class, its status if the type is unknown: so a type that only a newer
server knows still raises the right kind of error. Responses need not be problem documents at all: a gateway in between
may answer with a page of HTML.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from pydantic import ValidationError

from microblog_streams.client.models import Model, Response


class ClientError(Exception):
    """Base class of all errors of the client."""

    #: Whether an attempt before the one with this error may have taken effect.
    is_repeated = False


class BadAnswer(ClientError):
    """The response is none of this API's: another server has this address, or a gateway answered."""


class Unreachable(ClientError):
    """No response came. A call that changes something may have taken effect."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a request."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document (RFC 9457). ``retry_after`` is in seconds, None if the server did not say."""

    status: int
    type: str
    title: str
    detail: str
    errors: Sequence[FieldError] = ()
    request_id: str | None = None
    retry_after: float | None = None


class ApiError(ClientError):
    """The server refused the call; ``problem`` has all that it said."""

    def __init__(self, problem: Problem) -> None:
        """The message is the problem's detail, or its title."""
        super().__init__(problem.detail or problem.title)
        self.problem = problem


class Invalid(ApiError):
    """400: a field, an id, a cursor or a header is not valid; ``problem.errors`` names the fields."""


class Unauthenticated(ApiError):
    """401: the token is missing, unknown, expired or revoked."""


class Forbidden(ApiError):
    """403: this user may not do that."""


class Blocked(Forbidden):
    """403: one of the two users blocks the other."""


class NotFound(ApiError):
    """404: the user, post or token does not exist, or is deleted."""


class Conflict(ApiError):
    """409: the request contradicts the current state."""


class UsernameTaken(Conflict):
    """409: another user has this name."""


class TooManyFollowees(Conflict):
    """409: the user already follows as many as are allowed."""


class KeyReused(ApiError):
    """422: the Idempotency-Key was sent before with another request."""


class TooManyRequests(ApiError):
    """429: a rate limit is exceeded; ``problem.retry_after`` says when to go on."""


class Unavailable(ApiError):
    """503: a store does not answer, and did not during all attempts."""


class Unfinished(Unavailable):
    """503: this timeline is being rebuilt, and was not complete during all attempts."""


class OutcomeUnknown(Unavailable):
    """502, 503 or 504: the call may have taken effect."""


#: Called with each error after which a call is repeated.
ErrorCallback = Callable[[ClientError], object]


def ignore_error(error: ClientError) -> None:
    """Do nothing: the default callback."""


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


def error_for(response: Response) -> ApiError:
    """Return the exception for a response that is not a success."""
    if response.incomplete:
        return _incomplete(response)
    document = _parse(response)
    problem = Problem(
        response.status,
        document.type,
        document.title or _phrase(response.status),
        document.detail or f"The server answered {response.status} {_phrase(response.status)}.",
        [FieldError(each.field, each.message) for each in document.errors],
        document.request_id or response.headers.get("X-Request-ID"),
        retry_after(response),
    )
    error = _BY_TYPE.get(problem.type) or _BY_STATUS.get(problem.status, ApiError)
    return error(problem)


def retry_after(response: Response, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """Return ``Retry-After`` in seconds, from a number or an HTTP date; None if it is missing or neither."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now()).total_seconds())
    except (TypeError, ValueError):
        return None


def _parse(response: Response) -> _Document:
    try:
        return _Document.model_validate_json(response.body)
    except ValidationError:
        return _Document()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown status"


def _incomplete(response: Response) -> Unfinished:
    """Return the error for a page that may lack posts, although the caller asked for a complete one."""
    return Unfinished(
        Problem(
            response.status,
            "/problems/unfinished",
            "Unfinished",
            "This timeline is being rebuilt, and its newest page is not complete yet. Try again.",
            request_id=response.headers.get("X-Request-ID"),
            retry_after=retry_after(response),
        )
    )
