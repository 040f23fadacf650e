"""Reads and validates a request's body, JSON or a form, after ``100 Continue`` where the client waits for it.

Python's own JSON parser is used, because it reports names that appear twice in an object, which pydantic's parser
accepts (parsers disagree on which one counts). Deep nesting, long numbers, NaN and other encodings end in a 400, like
all bad JSON. A byte order mark, which some editors and libraries write, is skipped (RFC 8259, section 8.1).

With ``Expect: 100-continue`` (RFC 9110, section 10.1.1) a client sends the body only after it was told to continue.
As released, aiohttp tells it so as soon as the head was read, and the client sends bodies that are then refused for
their head alone. So ``without_expect`` hides the header from aiohttp: ``read_body`` sends the ``100 Continue`` first,
and a refusal takes its place. The connection ends with that refusal: the server cannot know whether the client still
sends the body, and would read the body as a request or a request as the body.
"""

import json
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn, TypeVar, cast
from urllib.parse import parse_qsl

from aiohttp import HttpVersion11
from aiohttp.hdrs import EXPECT
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.web import (
    BaseRequest,
    HTTPExpectationFailed,
    HTTPUnsupportedMediaType,
    Request,
    RequestKey,
    RequestPayloadError,
)
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from microblog_streams.domain.errors import Invalid
from web.http.problems import InvalidFields

#: Names of UTF-8 in use. No codec is looked up, because Python caches every name that was ever asked for.
_UTF_8: Final = frozenset({"utf-8", "utf8"})

#: More than any form has.
_MAX_FIELDS: Final = 100

#: Messages in place of those of pydantic that speak of Python or say too little.
_MESSAGES = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this request",
    "model_type": "must be a JSON object",
    "int_type": "must be a whole number",
    "string_type": "must be a string",
    "string_unicode": "contains a name with a lone surrogate (half a character)",
}

#: The header's value, until the client was told to continue; absent without the header.
EXPECTATION: Final = RequestKey("expectation", str)

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

RequestFactory = Callable[..., BaseRequest]


class RequestModel(BaseModel):
    """Base of the models of request bodies."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True)


BodyT = TypeVar("BodyT", bound=RequestModel)


class TooManyChunks(BadHttpMessage, RequestPayloadError):
    """A body comes in more chunks than the server reads."""

    def __init__(self, allowed: int) -> None:
        """``allowed`` is the number of chunks."""
        super().__init__(f"has more than {allowed:,} chunks; send it in fewer")


async def read_body(request: Request, model: type[BodyT]) -> BodyT:
    """Return the body as ``model``. Raises Invalid, InvalidFields, and aiohttp's 413 and 415."""
    _check_type(request, "application/json")
    try:
        return model.model_validate(_parse(await _receive(request)))
    except ValidationError as exc:
        raise InvalidFields([_field(error) for error in exc.errors(include_input=False, include_url=False)]) from None


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form; of those with the same name the last. Raises Invalid, and aiohttp's 413 and 415."""
    if not request.body_exists:
        return {}
    _check_type(request, "application/x-www-form-urlencoded")
    text = _text(await _receive(request))
    try:
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS))
    except UnicodeDecodeError:
        raise Invalid("body", "is not UTF-8") from None
    except ValueError:
        raise Invalid("body", f"has more than {_MAX_FIELDS} fields") from None


def _check_type(request: Request, expected: str) -> None:
    if request.content_type != expected or (request.charset or "utf-8").lower() not in _UTF_8:
        raise HTTPUnsupportedMediaType
    # Bodies are small, and a few compressed bytes can unpack to gigabytes.
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise HTTPUnsupportedMediaType


async def _receive(request: Request) -> bytes:
    try:
        await send_continue(request)
        return await request.read()
    except TooManyChunks as exc:
        raise Invalid("body", exc.message) from None
    except (RequestPayloadError, ConnectionError):  # ConnectionError: the client has left and reads no answer
        raise Invalid("body", "was not transferred as its headers say") from None


def _parse(content: bytes) -> object:
    try:
        return _DECODER.decode(_text(content.removeprefix(BOM_UTF8)))
    except json.JSONDecodeError as exc:
        raise Invalid("body", f"is not JSON: {exc}") from None
    except RecursionError:
        raise Invalid("body", "is nested too deeply") from None
    except ValueError:
        raise Invalid("body", "contains a number with too many digits") from None


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as exc:
        raise Invalid("body", f"is not UTF-8 at byte {exc.start}") from None


def _unique_names(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
    raise Invalid(name[:100], "appears more than once")


def _refuse_constant(name: str) -> NoReturn:
    raise Invalid("body", f"is not JSON: {name} is not a JSON number")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique_names, parse_constant=_refuse_constant)


def _field(error: ErrorDetails) -> tuple[str, str]:
    name = ".".join(str(part) for part in error["loc"])[:100] or "body"
    return name, _MESSAGES.get(error["type"], error["msg"].replace("Input should be", "must be"))


def without_expect(factory: RequestFactory) -> RequestFactory:
    """Wrap a request factory: move ``Expect`` from the headers to ``EXPECTATION``. HTTP/1.0 ignores it."""

    def make(message: Any, *rest: Any) -> BaseRequest:  # noqa: ANN401  # aiohttp's own arguments
        if (expected := message.headers.get(EXPECT)) is None:
            return factory(message, *rest)
        headers = message.headers.copy()
        del headers[EXPECT]
        request = cast(Request, factory(message._replace(headers=headers), *rest))
        if message.version >= HttpVersion11:
            request[EXPECTATION] = expected.lower()
        return request

    return make


def check_expectation(request: Request) -> None:
    """Raise HTTPExpectationFailed for any expectation but ``100-continue``."""
    if request.get(EXPECTATION, "100-continue") != "100-continue":
        raise HTTPExpectationFailed


async def send_continue(request: Request) -> None:
    """Send ``100 Continue`` to a client that waits for it."""
    if request.pop(EXPECTATION, None) and not request.content.is_eof():
        writer = cast(Any, request.writer)
        await writer.write(_CONTINUE)
        writer.output_size = 0  # the final answer has not begun


def awaits_continue(request: Request) -> bool:
    """Return whether the client may still wait for ``100 Continue``."""
    return EXPECTATION in request and not request.content.is_eof()
