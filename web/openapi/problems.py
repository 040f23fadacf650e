"""The problems that a call can end in, by status: each with its type, its words and an example."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any, Final

from aiohttp.web import HTTPRequestEntityTooLarge, HTTPRequestTimeout, HTTPUnsupportedMediaType

from microblog_streams.domain.errors import BadToken, Forbidden, Invalid, KeyReused, StoreUnavailable, Unauthenticated
from web.api.endpoint import Who
from web.api.schemas import Problem
from web.http import problems
from web.http.problems import InvalidFields, TooManyRequests, TooSlow
from web.openapi import parameters
from web.openapi.docstrings import first
from web.openapi.examples import example
from web.openapi.headers import headers
from web.openapi.operations import Api, Operation

Json = dict[str, Any]
Errors = tuple[type[Exception], ...]


class Mistake(Exception):
    """A mistake of ours; it was logged."""


#: What any call can end in.
_EVERYWHERE: Final[Errors] = (StoreUnavailable, TooSlow, Mistake)
#: What reading a body can end in.
_READING: Final[Errors] = (InvalidFields, HTTPRequestTimeout, HTTPRequestEntityTooLarge, HTTPUnsupportedMediaType)
#: What a call can end in by who may make it. A token that is not good is refused also where none is needed.
_BY: Final[dict[Who, Errors]] = {
    Who.UNASKED: (),
    Who.ANYBODY: (BadToken,),
    Who.CALLER: (BadToken, Unauthenticated),
    Who.OWNER: (BadToken, Unauthenticated, Forbidden),
}


def of(operation: Operation, api: Api) -> Json:
    """Return an answer for each status of the errors that the call can raise."""
    found = sorted(dict.fromkeys(_raised(operation, api.required)), key=_status)
    return {
        str(status): {
            "description": _words(errors := tuple(group)),
            "headers": headers(sorted({name for error in errors for name in _headers(error)})),
            "content": {
                problems.CONTENT_TYPE: {
                    "schema": api.schemas.answered(Problem),
                    "examples": {problems.kind_of(error).slug: {"value": example(error)} for error in errors},
                }
            },
        }
        for status, group in groupby(found, key=_status)
    }


def _raised(operation: Operation, required: bool) -> Iterable[type[Exception]]:
    call = operation.call
    yield from (Invalid,) if parameters.of(operation) else ()
    yield from _READING if call.takes else ()
    yield from (KeyReused,) if call.once else ()
    yield from () if call.by is Who.UNASKED else (TooManyRequests,)
    yield from _BY[call.by] if required or call.by is Who.CALLER else ()
    yield from call.raises
    yield from _EVERYWHERE


def _headers(error: type[Exception]) -> Iterable[str]:
    yield from problems.kind_of(error).headers
    yield from ("RateLimit", "RateLimit-Policy") if error is TooManyRequests else ()


def _status(error: type[Exception]) -> int:
    return problems.kind_of(error).status


def _words(errors: Errors) -> str:
    """Return a line for each type: what it is, as the error's own docstring says it."""
    lines: dict[str, str] = {}
    for error in errors:
        kind = problems.kind_of(error)
        lines.setdefault(kind.slug, f"`/problems/{kind.slug}`: {first(error.__doc__ or '') or kind.title + '.'}")
    return "\n\n".join(lines.values())
