"""Takes a log record apart: its event, its fields, its traceback; and withholds what may be personal.

A message of ours is its own schema: ``"store_silent store=%s tries=%d"`` with two arguments is the event
``store_silent`` with the fields ``store`` and ``tries``, whose values keep their types. Messages of libraries are one
text, and have no fields.

Personal are the fields in ``PERSONAL``, and the messages of exceptions that may quote what they were raised for:
PostgreSQL's driver its statement, pydantic its input, a ValueError the value. Those of this code, of the other clients
and of the operating system do not.
"""

import re
import traceback
from collections.abc import Iterator, Mapping
from typing import Any, Final

#: In place of what may be personal.
WITHHELD: Final = "(withheld)"
#: Fields with addresses or names of clients, or with what they sent.
PERSONAL: Final = frozenset({"who", "path"})
#: Packages whose exceptions quote no data.
_TELLING_PACKAGES: Final = frozenset(
    {"microblog_streams", "agents", "tables", "web", "faust", "mode", "aiokafka", "redis", "cassandra"}
)

_CAUSE: Final = "\nThe above exception was the direct cause of the following exception:\n"
_CONTEXT: Final = "\nDuring handling of the above exception, another exception occurred:\n"

_EVENT: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*(?: [a-z_]+=%(?:\.\d+)?[sdrf])*")
_FIELD: Final = re.compile(r"([a-z_]+)=(%(?:\.\d+)?[sdrf])")


def is_event(message: str) -> bool:
    """Return whether a message has the form of ours: ``event_name field=%s other_field=%d``."""
    return _EVENT.fullmatch(message) is not None


def split(message: object, arguments: tuple[Any, ...], personal: bool) -> tuple[str, dict[str, object]]:
    """Return the event and the fields of a message of ours, the text and no fields of another's."""
    message = described(message, personal) if isinstance(message, BaseException) else str(message)
    if not is_event(message):
        return _formatted(message, arguments, personal), {}
    event, _, rest = message.partition(" ")
    pairs = zip(_FIELD.findall(rest), arguments, strict=True)
    return event, {name: _value(name, form, value, personal) for (name, form), value in pairs}


def _value(name: str, form: str, value: object, personal: bool) -> object:
    if name in PERSONAL and not personal:
        return WITHHELD
    if isinstance(value, BaseException):
        return described(value, personal)
    if form.endswith("f"):
        return float(form % value)
    return value if isinstance(value, int | float | str | None) and form != "%r" else form % (value,)


def _formatted(message: str, arguments: tuple[Any, ...], personal: bool) -> str:
    if not arguments:
        return message
    if len(arguments) == 1 and isinstance(arguments[0], Mapping):
        return message % arguments[0]
    shown = (described(each, personal) if isinstance(each, BaseException) else each for each in arguments)
    return message % tuple(shown)


def described(error: BaseException, personal: bool) -> str:
    """Return an exception's class and message; the class alone where the message may quote data."""
    name, message = type(error).__name__, str(error)
    if not message:
        return name
    if personal or isinstance(error, OSError) or type(error).__module__.split(".")[0] in _TELLING_PACKAGES:
        return message if message.startswith(name) else f"{name}: {message}"
    return f"{name} {WITHHELD}"


def traced(error: BaseException, personal: bool) -> str:
    """Return an exception with its traceback, after those that led to it."""
    return "\n".join(_chain(error, personal, set()))


def _chain(error: BaseException, personal: bool, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None and id(earlier) not in seen:
        yield from _chain(earlier, personal, seen)
        yield _CAUSE if error.__cause__ else _CONTEXT
    yield "Traceback (most recent call last):"
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip("\n")
    yield described(error, personal)
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _chain(each, personal, seen)
