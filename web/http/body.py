"""Reading a request's JSON body, without trust in any of it.

Python's own parser, because it tells of what pydantic's lets pass: a name that stands twice in an object (parsers
disagree on which one counts). Nesting, long numbers, NaN and other encodings end in a 400 like any bad JSON. A byte
order mark in front, which some editors and libraries write, is skipped (RFC 8259, section 8.1).
"""

import json
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NoReturn, TypeVar

from aiohttp.web import HTTPUnsupportedMediaType, Request, RequestPayloadError
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from microblog_streams.domain.errors import Invalid
from web.api.schemas import Body
from web.http.problems import InvalidFields
from web.server.expect_continue import go_on
from web.server.framing import TooManyChunks

#: Names of UTF-8 in use. Not looked up: Python keeps every name that it was ever asked for.
_UTF_8: Final = frozenset({"utf-8", "utf8"})

BodyT = TypeVar("BodyT", bound=Body)

#: pydantic's messages where they speak of Python, or of less than the caller wants to know.
_MESSAGES = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this request",
    "model_type": "must be a JSON object",
    "int_type": "must be a whole number",
    "string_type": "must be a string",
    "string_unicode": "holds a name with half a character (a lone surrogate)",
}


async def read(request: Request, model: type[BodyT]) -> BodyT:
    """Return the body as ``model``. Raises Invalid, InvalidFields, and aiohttp's 413 and 415."""
    if request.content_type != "application/json" or (request.charset or "utf-8").lower() not in _UTF_8:
        raise HTTPUnsupportedMediaType
    # Bodies are small, and a few bytes can unfold to gigabytes.
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise HTTPUnsupportedMediaType
    try:
        return model.model_validate(_parse(await _content(request)))
    except ValidationError as exc:
        raise InvalidFields([_field(error) for error in exc.errors(include_input=False, include_url=False)]) from None


async def _content(request: Request) -> bytes:
    try:
        await go_on(request)
        return await request.read()
    except TooManyChunks as exc:
        raise Invalid("body", exc.message) from None
    except (RequestPayloadError, ConnectionError):  # the latter: its client has left, and nobody reads this
        raise Invalid("body", "is not transferred as its headers say") from None


def _parse(content: bytes) -> object:
    try:
        return _JSON.decode(content.removeprefix(BOM_UTF8).decode())
    except UnicodeDecodeError as exc:
        raise Invalid("body", f"is not UTF-8 at byte {exc.start}") from None
    except json.JSONDecodeError as exc:
        raise Invalid("body", f"is not JSON: {exc}") from None
    except RecursionError:
        raise Invalid("body", "is nested too deeply") from None
    except ValueError:
        raise Invalid("body", "holds a number of too many digits") from None


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
    raise Invalid(name[:100], "is there more than once")


def _constant(name: str) -> NoReturn:
    raise Invalid("body", f"is not JSON: {name} is not a number in it")


_JSON: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


def _field(error: ErrorDetails) -> tuple[str, str]:
    name = ".".join(str(part) for part in error["loc"])[:100] or "body"
    return name, _MESSAGES.get(error["type"], error["msg"].replace("Input should be", "must be"))
