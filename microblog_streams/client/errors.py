"""Everything that a call can end in, as exceptions: a caller catches as much as it tells apart.

Those below ``ApiError`` are problems that the server told of (``problems`` reads them); after the others nobody did.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


class ClientError(Exception):
    """Base of all of them."""


class BadAnswer(ClientError):
    """An answer that the API does not give: somebody else is at this address, or something in between spoke up."""


class Unreachable(ClientError):
    """No answer came. A call that changes something may have done so."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a request."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document (RFC 9457). ``retry_after`` is seconds, None where nothing was said of it."""

    status: int
    type: str
    title: str
    detail: str
    errors: Sequence[FieldError] = ()
    request_id: str | None = None
    retry_after: float | None = None


class ApiError(ClientError):
    """The server answered with a problem; ``problem`` has all of it."""

    def __init__(self, problem: Problem) -> None:
        """Keep the problem."""
        super().__init__(problem.detail or problem.title)
        self.problem = problem


class Invalid(ApiError):
    """400: a field, an id, a cursor or a header breaks its rule; ``problem.errors`` says which."""


class Unauthenticated(ApiError):
    """401: a token is needed, or the one that was sent is not good (any more)."""


class Forbidden(ApiError):
    """403: not as this person."""


class Blocked(Forbidden):
    """403: one of the two has blocked the other."""


class NotFound(ApiError):
    """404: no such user or post, or it is deleted."""


class Conflict(ApiError):
    """409: the request contradicts what is there."""


class UsernameTaken(Conflict):
    """409: somebody has this name."""


class TooManyFollowees(Conflict):
    """409: nobody may follow more people."""


class KeyReused(ApiError):
    """422: an Idempotency-Key came before, with another request."""


class TooManyRequests(ApiError):
    """429: more calls than are allowed; ``problem.retry_after`` says when to go on."""


class Unavailable(ApiError):
    """503: a part is away, and stayed away for as long as the client had patience."""


class Unfinished(Unavailable):
    """503: this timeline is being put together, and was not there for as long as the client had patience."""


class OutcomeUnknown(Unavailable):
    """503: what was asked for may have been done."""


#: Told of an error that may pass, and after which the client goes on trying.
Trouble = Callable[[ClientError], object]


def unheeded(error: ClientError) -> None:
    """Take no notice."""
