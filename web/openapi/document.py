"""The whole document, and the view that serves it.

It is generated once, when a worker starts, so that an endpoint that cannot be described stops the start.
"""

import json
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from typing import Any, Final

from aiohttp.web import Request, Response

from web.api.view import View
from web.http.responses import REVALIDATE, CachedFile
from web.openapi.components import BEARER_REQUIRED, HEADERS, SECURITY_SCHEMES, Schemas
from web.openapi.operations import Api, Operation, description, operations, parameters, request_body, summary
from web.openapi.responses import requires_token, responses

Json = dict[str, Any]

_ABOUT: Final = """Users register, follow each other, write posts and read a home timeline.

`HEAD` is allowed wherever `GET` is, and `OPTIONS` everywhere. A slash at the end of a path makes no difference. \
Every response has an `X-Request-ID`; a request may send its own. Every error is a problem document (RFC 9457): \
decide by its `type`."""


class OpenApi(View):
    """The description of the API, for programs."""

    def describe(self, routes: Iterable[tuple[str, type[View]]], required: bool) -> None:
        """Generate the document; ``required`` is whether calls need their token. Raises SetupError."""
        self.file = _file(tuple(routes), required)

    async def get(self, request: Request) -> Response:
        """Return the document."""
        return self.file.response(request, REVALIDATE)


@cache
def _file(routes: tuple[tuple[str, type[View]], ...], required: bool) -> CachedFile:
    text = json.dumps(document(routes, required), ensure_ascii=False, separators=(",", ":"))
    return CachedFile.of("application/json", text.encode())


def document(routes: Iterable[tuple[str, type[View]]], required: bool) -> Json:
    """Return the document of these routes; ``required`` is whether calls need their token.

    Raises SetupError for a method that is not described.
    """
    found = operations(routes, required)
    api = Api(found, Schemas(operation.endpoint for operation in found), required)
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
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _paths(api: Api) -> Json:
    paths: Json = {}
    for operation in api.operations:
        paths.setdefault(operation.path, {})[operation.method] = _describe(operation, api)
    return paths


def _describe(operation: Operation, api: Api) -> Json:
    needs_token = requires_token(operation.endpoint.access, api.required)
    return {
        "operationId": operation.endpoint.operation_id,
        "tags": [operation.tag],
        "summary": summary(operation.docstring),
        **description(operation.docstring),
        **parameters(operation),
        **request_body(operation, api.schemas),
        "responses": responses(operation, api),
        **({"security": BEARER_REQUIRED} if needs_token else {}),
    }


def _tags(found: Iterable[Operation]) -> list[Json]:
    """Return one tag for each module of views, described by the first line of its docstring."""
    modules = dict.fromkeys((operation.tag, operation.module) for operation in found)
    return [{"name": tag, "description": summary(sys.modules[module].__doc__ or "")} for tag, module in modules]
