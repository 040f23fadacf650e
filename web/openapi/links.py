"""Where to go on with what was made: its id is what other calls take in their path (OpenAPI's links)."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from web.api import schemas
from web.openapi.operations import Api, Operation

Json = dict[str, Any]

#: By what is made: the field that has its id, and what that is called in a path.
_IDS: Final[Mapping[type, tuple[str, str]]] = {
    schemas.User: ("id", "user"),
    schemas.Registered: ("id", "user"),
    schemas.Post: ("postId", "ident"),
    schemas.IssuedToken: ("id", "token"),
}


def links(operation: Operation, api: Api) -> Json:
    """Return the field that leads to all calls that take what this one made; none where it makes nothing."""
    if operation.call.status != HTTPStatus.CREATED or operation.call.answer not in _IDS:
        return {}
    field, name = _IDS[operation.call.answer]
    found = {
        other.call.name: {"operationId": other.call.name, "parameters": {name: f"$response.body#/{field}"}}
        for other in api.operations
        if re.findall(r"{(\w+)}", other.path) == [name]
    }
    return {"links": found}
