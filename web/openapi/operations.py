"""The operations: every method of every path, with its endpoint and its docstring.

The first line of a docstring is the summary, the rest the description, in Markdown.
"""

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from microblog_streams.domain.errors import SetupError
from web.api.view import Endpoint, View, endpoint_of
from web.openapi.components import Schemas

#: Without HEAD and OPTIONS, which the document describes once for all paths.
_METHODS: Final = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path; ``module`` is the view's, ``docstring`` the method's."""

    path: str
    method: str
    module: str
    docstring: str
    endpoint: Endpoint

    @property
    def tag(self) -> str:
        """The noun that the operation is about: the name of its module."""
        return self.module.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Api:
    """All operations and their schemas; ``required`` is whether calls need their token."""

    operations: Sequence[Operation]
    schemas: Schemas
    required: bool


def operations(routes: Iterable[tuple[str, type[View]]], required: bool) -> list[Operation]:
    """Return every operation, in the order of the routes. Raises SetupError for a method without an endpoint."""
    found = [one for path, view in routes for name in _METHODS if (one := _operation(path, view, name))]
    return found if required else [replace(one, endpoint=_in_open_mode(one.endpoint)) for one in found]


def summary(docstring: str) -> str:
    """Return the first line."""
    return _markdown(docstring.partition("\n")[0].strip())


def description(docstring: str) -> dict[str, str]:
    """Return the field with what follows the first line, one line for each paragraph; empty without it."""
    paragraphs = docstring.partition("\n")[2].strip().split("\n\n")
    text = _markdown("\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs))
    return {"description": text} if text else {}


def _operation(path: str, view: type[View], name: str) -> Operation | None:
    method = getattr(view, name)
    if method is getattr(View, name):
        return None
    if (endpoint := endpoint_of(method)) is None:
        raise SetupError(f"{name.upper()} {path} is not described: {view.__qualname__}.{name} needs an @endpoint")
    return Operation(path, name, view.__module__, inspect.getdoc(method) or "", endpoint)


def _in_open_mode(endpoint: Endpoint) -> Endpoint:
    return replace(endpoint, response=endpoint.open_response or endpoint.response)


def _markdown(text: str) -> str:
    return text.replace("``", "`")
