"""An example of every problem: one error of each class, made into a document as the answers are."""

from typing import Any, Final

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
    OutcomeUnknown,
    StoreUnavailable,
    TooManyFollowees,
    Unauthenticated,
    Unfinished,
    UsernameTaken,
    WorkerUnavailable,
    WrongLogin,
)
from microblog_streams.domain.rates import Left, Verdict
from web.http.problems import InvalidFields, NotReady, TooManyRequests, TooSlow, document, kind_of

_REQUEST: Final = "4e8f6a0c-3d1b-4c57-9a62-0b7d5e9f1c24"

#: One of each class that needs to be told something.
_ERRORS: Final[tuple[Exception, ...]] = (
    NotFound("user", 7),
    Invalid("limit", "must be a whole number from 1 to 100"),
    InvalidFields([("userId", "must be a whole number"), ("content", "is missing")]),
    BadToken(),
    Unauthenticated("Send a token: 'Authorization: Bearer …'. Registering gives one, POST /tokens/ another."),
    WrongLogin(),
    Forbidden("The token is not user 7's."),
    Blocked(7),
    Busy(),
    UsernameTaken("ann"),
    Conflict("This contradicts what is there."),
    KeyReused(),
    OutcomeUnknown("not confirmed in time"),
    BrokerUnavailable("no connection"),
    StoreUnavailable("redis", "no connection"),
    Unfinished(),
    WorkerUnavailable("worker w6067, which has it, does not answer"),
    TooManyFollowees(7_500),
    TooManyRequests("reading", Verdict(False, [Left(RateLimitItemPerMinute(1_200), 0, 12.0)])),
    TooSlow(),
    NotReady("the worker is stopping"),
)
_BY_CLASS: Final = {type(error): error for error in _ERRORS}


def example(error: type[Exception]) -> dict[str, Any]:
    """Return the document of an error of this class."""
    one = _BY_CLASS.get(error) or error.__new__(error)
    return document(kind_of(error), one) | {"requestId": _REQUEST}
