"""What a call may answer: its own answer, and every problem that it can end in."""

from http import HTTPStatus
from typing import Any

from web.api.endpoint import Who
from web.openapi import problems
from web.openapi.headers import headers
from web.openapi.links import links
from web.openapi.operations import Api, Operation

Json = dict[str, Any]


def of(operation: Operation, api: Api) -> Json:
    """Return every answer by its status."""
    found = {str(operation.call.status): _good(operation, api)}
    if operation.call.tagged:
        found["304"] = {"description": "Nothing is new.", "headers": headers(["ETag"])}
    found |= problems.of(operation, api)
    return dict(sorted(found.items()))


def _good(operation: Operation, api: Api) -> Json:
    call = operation.call
    made = ["Location"] if call.status == HTTPStatus.CREATED else []
    linked = ["Link"] if call.paged else []
    tagged = ["ETag"] if call.tagged else []
    budget = [] if call.by is Who.UNASKED else ["RateLimit", "RateLimit-Policy"]
    found: Json = {
        "description": HTTPStatus(call.status).phrase,
        "headers": headers([*made, *linked, *tagged, *budget, *call.headers]),
        **links(operation, api),
    }
    if call.answer is not None:
        found["content"] = {"application/json": {"schema": api.schemas.answered(call.answer)}}
    return found
