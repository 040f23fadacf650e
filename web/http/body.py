"""Reading and validating a request's JSON body.

Python's own JSON parser is used, because it reports names that appear twice in an object, which pydantic's parser
accepts (parsers disagree on which one counts). Deep nesting, long numbers, NaN and other encodings end in a 400, like
all bad JSON. A byte order mark, which some editors and libraries write, is skipped (RFC 8259, section 8.1).
"""

import json
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NoReturn, TypeVar

from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.web import HTTPUnsupportedMediaType, Request, RequestPayloadError
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from microblog_streams.domain.errors import Invalid
from web.http.expect_continue import send_continue
from web.http.problems import InvalidFields

#: Names of UTF-8 in use. No codec is looked up, because Python caches every name that was ever asked for.
_UTF_8: Final = frozenset({"utf-8", "utf8"})


class RequestModel(BaseModel):
    """Base of the models of request bodies."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True)


BodyT = TypeVar("BodyT", bound=RequestModel)


class TooManyChunks(BadHttpMessage, RequestPayloadError):
    """A body comes in more chunks than the server reads."""

    def __init__(self, allowed: int) -> None:
        """``allowed`` is the number of chunks."""
        super().__init__(f"has more than {allowed:,} chunks; send it in fewer")


#: Messages in place of those of pydantic that speak of Python or say too little.
_MESSAGES = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this request",
    "model_type": "must be a JSON object",
    "int_type": "must be a whole number",
    "string_type": "must be a string",
    "string_unicode": "contains a name with a lone surrogate (half a character)",
}


async def read_body(request: Request, model: type[BodyT]) -> BodyT:
    """Return the body as ``model``. Raises Invalid, InvalidFields, and aiohttp's 413 and 415."""
    if request.content_type != "application/json" or (request.charset or "utf-8").lower() not in _UTF_8:
        raise HTTPUnsupportedMediaType
    # Bodies are small, and a few compressed bytes can unpack to gigabytes.
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise HTTPUnsupportedMediaType
    try:
        return model.model_validate(_parse(await _receive(request)))
    except ValidationError as exc:
        raise InvalidFields([_field(error) for error in exc.errors(include_input=False, include_url=False)]) from None


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
        return _DECODER.decode(content.removeprefix(BOM_UTF8).decode())
    except UnicodeDecodeError as exc:
        raise Invalid("body", f"is not UTF-8 at byte {exc.start}") from None
    except json.JSONDecodeError as exc:
        raise Invalid("body", f"is not JSON: {exc}") from None
    except RecursionError:
        raise Invalid("body", "is nested too deeply") from None
    except ValueError:
        raise Invalid("body", "contains a number with too many digits") from None


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
