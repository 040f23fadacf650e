"""What a call is, said at the method that answers it: all of /openapi.json that cannot be read off the code.

Some of it is also what is done: the body is read by the model that is named here (``views``), so neither can say what
the other does not do. Paths come from ``routes``, words from docstrings, errors from ``problems``.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeVar

from web.api.schemas import Body

MethodT = TypeVar("MethodT", bound=Callable[..., Awaitable[Any]])

_ATTRIBUTE: Final = "__call_of_the_api__"


class Who(Enum):
    """Who may make a call."""

    ANYBODY = "anybody"
    #: Anybody, and no token is looked at.
    UNASKED = "unasked"
    #: Whoever shows a token.
    CALLER = "caller"
    #: The person in whose name the call is made, or whose things it shows.
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Call:
    """One method of one path.

    ``name`` is what generated clients call it by, and never changes. ``answer`` is a type of ``schemas``, a list or a
    union of them, or None for an answer without body; ``when_open`` is the answer where nobody has to say who they are,
    if it is another. ``raises`` are the errors of this call alone: those that follow from what else is said here are
    added to them. ``once`` is the least number of characters of the Idempotency-Key that it takes, 0 where it takes
    none. ``query`` are parameters of its own. ``path`` names the parameters of the path that are something else here
    than elsewhere.
    """

    name: str
    answer: Any
    when_open: Any = None
    status: int = 200
    takes: type[Body] | None = None
    raises: tuple[type[Exception], ...] = ()
    by: Who = Who.ANYBODY
    once: int = 0
    paged: bool = False
    query: tuple[str, ...] = ()
    tagged: bool = False
    headers: tuple[str, ...] = ()
    path: Mapping[str, str] = field(default_factory=dict)


def call(name: str, answer: Any, **said: Any) -> Callable[[MethodT], MethodT]:  # noqa: ANN401 - a type, as typing has them
    """Describe the method of a view; the fields are those of ``Call``."""

    def describe(method: MethodT) -> MethodT:
        setattr(method, _ATTRIBUTE, Call(name, answer, **said))
        return method

    return describe


def described(method: Callable[..., Any]) -> Call | None:
    """Return what is said of a method, None where nothing is."""
    found: Call | None = getattr(method, _ATTRIBUTE, None)
    return found
