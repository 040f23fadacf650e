"""Who may make a call: a token is asked for where only the owner may."""

from typing import Any, Final

from web.described import Call, Who

_NAME: Final = "bearerAuth"

_SCHEMES: Final = {
    _NAME: {
        "type": "http",
        "scheme": "bearer",
        "description": "The token that registering returned, or one that was asked for later.",
    }
}


def schemes(required: bool) -> dict[str, Any]:
    """Return every way of saying who calls; none where nobody is asked."""
    return _SCHEMES if required else {}


def of(call: Call, required: bool) -> dict[str, Any]:
    """Return what an operation says of it; nothing where anybody may."""
    return {"security": [{_NAME: []}]} if required and call.by is Who.OWNER else {}
