"""What a call may answer: its own answer, and every problem that it can end in."""

from http import HTTPStatus
from typing import Any

from web.described import Call
from web.openapi import problems
from web.openapi.headers import headers
from web.openapi.schemas import Schemas

Json = dict[str, Any]


def of(call: Call, schemas: Schemas, has_parameters: bool, required: bool) -> Json:
    """Return every answer by its status."""
    found = {str(call.status): _good(call, schemas)}
    if call.tagged:
        found["304"] = {"description": "Nothing is new.", "headers": headers(["ETag"])}
    found |= problems.of(call, schemas, has_parameters, required)
    return dict(sorted(found.items()))


def _good(call: Call, schemas: Schemas) -> Json:
    made = ["Location"] if call.status == HTTPStatus.CREATED else []
    linked = ["Link"] if call.paged else []
    tagged = ["ETag"] if call.tagged else []
    found: Json = {
        "description": HTTPStatus(call.status).phrase,
        "headers": headers([*made, *linked, *tagged, *call.headers]),
    }
    if call.answer is not None:
        found["content"] = {"application/json": {"schema": schemas.answered(call.answer)}}
    return found
