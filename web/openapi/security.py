"""Who may make a call: a token is asked for where it shows whose it is. Of one's own tokens it is always asked."""

from typing import Any, Final

from web.api.endpoint import Call, Who

_NAME: Final = "bearerAuth"

SCHEMES: Final = {
    _NAME: {
        "type": "http",
        "scheme": "bearer",
        "description": "The token that registering returned, or one that was asked for later.",
    }
}


def of(call: Call, required: bool) -> dict[str, Any]:
    """Return what an operation says of it; nothing where anybody may."""
    return {"security": [{_NAME: []}]} if asks(call, required) else {}


def asks(call: Call, required: bool) -> bool:
    """Tell whether a call needs a token."""
    return call.by is Who.CALLER or (required and call.by is Who.OWNER)
