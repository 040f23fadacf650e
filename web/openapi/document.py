"""The whole document: what it is about, every path with its methods, and the parts that they share."""

import sys
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any, Final

from web.api.view import View
from web.openapi import parameters, responses, security
from web.openapi.docstrings import first, rest, text
from web.openapi.headers import HEADERS
from web.openapi.operations import Api, Operation, operations
from web.openapi.schemas import Schemas

Json = dict[str, Any]

_ABOUT: Final = """People register, follow each other, write posts and read a home timeline.

`HEAD` works wherever `GET` does, and `OPTIONS` everywhere. A slash at the end of a path makes no difference. \
Every answer has an `X-Request-ID`; a request may bring its own. Every error is a problem document (RFC 9457): \
decide by its `type`."""


def document(routes: Iterable[tuple[str, type[View]]], required: bool) -> Json:
    """Return the description of these routes; ``required``: whether calls need their token.

    Raises SetupError where a method is not described.
    """
    found = operations(routes, required)
    api = Api(found, Schemas(operation.call for operation in found), required)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "microblog",
            "version": version("microblog-streams"),
            "description": _ABOUT,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": _tags(found),
        "paths": _paths(api),
        "components": {
            "schemas": api.schemas.components,
            "headers": HEADERS,
            "securitySchemes": security.SCHEMES,
        },
    }


def _paths(api: Api) -> Json:
    paths: Json = {}
    for operation in api.operations:
        paths.setdefault(operation.path, {})[operation.method] = _described(operation, api)
    return paths


def _described(operation: Operation, api: Api) -> Json:
    return {
        "operationId": operation.call.name,
        "tags": [operation.noun],
        "summary": first(operation.words),
        **text(rest(operation.words)),
        **parameters.of(operation),
        **parameters.body(operation, api.schemas),
        "responses": responses.of(operation, api),
        **security.of(operation.call, api.required),
    }


def _tags(found: Iterable[Operation]) -> list[Json]:
    """Return one tag a noun, as its module tells what it is."""
    modules = dict.fromkeys((operation.noun, operation.module) for operation in found)
    return [{"name": noun, **text(first(sys.modules[module].__doc__ or ""))} for noun, module in modules]
