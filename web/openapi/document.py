"""The whole document: what it is about, every path with its methods, and the parts that they share."""

import inspect
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any, Final

from microblog_streams.errors import SetupError
from web.described import Call, described
from web.openapi import answers, parameters, security
from web.openapi.headers import HEADERS
from web.openapi.schemas import Schemas
from web.openapi.words import first, rest, text
from web.views import View

Json = dict[str, Any]

#: What is no method of the API: HEAD and OPTIONS are there wherever they make sense, which ``_ABOUT`` says once.
_METHODS: Final = ("get", "post", "put", "patch", "delete")

_ABOUT: Final = """People register, follow each other, write posts and read a home timeline.

`HEAD` works wherever `GET` does, and `OPTIONS` everywhere. A slash at the end of a path makes no difference. \
Every answer has an `X-Request-ID`; a request may bring its own. Every error is a problem document (RFC 9457): \
decide by its `type`."""


def document(routes: Iterable[tuple[str, type[View]]], required: bool) -> Json:
    """Return the description of these routes; ``required``: whether calls need their token.

    Raises SetupError where a method is not described.
    """
    paths = {path: _calls(path, view) for path, view in routes}
    schemas = Schemas(call for methods in paths.values() for _, call, _ in methods.values())
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "microblog",
            "version": version("microblog-streams"),
            "description": _ABOUT,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": _tags(view for _, view in routes),
        "paths": {
            path: {name: _operation(path, *said, schemas, required) for name, said in methods.items()}
            for path, methods in paths.items()
        },
        "components": {
            "schemas": schemas.components,
            "headers": HEADERS,
            "securitySchemes": security.schemes(required),
        },
    }


def _calls(path: str, view: type[View]) -> dict[str, tuple[type[View], Call, str]]:
    found = {}
    for name in _METHODS:
        method = getattr(view, name)
        if method is getattr(View, name):
            continue
        if (call := described(method)) is None:
            raise SetupError(f"{name.upper()} {path} is not described: {view.__qualname__}.{name} needs a @call")
        found[name] = (view, call, inspect.getdoc(method) or "")
    return found


def _operation(path: str, view: type[View], call: Call, words: str, schemas: Schemas, required: bool) -> Json:
    carried = parameters.of(path, call)
    return {
        "operationId": call.name,
        "tags": [_noun(view)],
        "summary": first(words),
        **text(rest(words)),
        **carried,
        **parameters.body(call, schemas),
        "responses": answers.of(call, schemas, bool(carried), required),
        **security.of(call, required),
    }


def _tags(views: Iterable[type[View]]) -> list[Mapping[str, str]]:
    """Return one tag a noun, as its module tells what it is."""
    modules = dict.fromkeys((_noun(view), view.__module__) for view in views)
    return [{"name": noun, **text(first(sys.modules[module].__doc__ or ""))} for noun, module in modules]


def _noun(view: type[View]) -> str:
    return view.__module__.rpartition(".")[2]
