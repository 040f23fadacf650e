"""The methods of all paths, with what is said of each; and what their descriptions have in common."""

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from microblog_streams.domain.errors import SetupError
from web.api.endpoint import Call, described
from web.api.view import View
from web.openapi.schemas import Schemas

#: HEAD and OPTIONS are not among them: they are there wherever they make sense, which the document says once.
_METHODS: Final = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path; ``words`` is its docstring, ``module`` where its noun is."""

    path: str
    method: str
    module: str
    words: str
    call: Call

    @property
    def noun(self) -> str:
        """What the call is about: the name of its module."""
        return self.module.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Api:
    """All operations and their schemas; ``required``: whether calls need their token."""

    operations: Sequence[Operation]
    schemas: Schemas
    required: bool


def operations(routes: Iterable[tuple[str, type[View]]], required: bool) -> list[Operation]:
    """Return every operation, in the order of the routes. Raises SetupError where one is not described."""
    found = [one for path, view in routes for name in _METHODS if (one := _operation(path, view, name))]
    return found if required else [replace(one, call=_opened(one.call)) for one in found]


def _opened(call: Call) -> Call:
    return replace(call, answer=call.when_open or call.answer)


def _operation(path: str, view: type[View], name: str) -> Operation | None:
    method = getattr(view, name)
    if method is getattr(View, name):
        return None
    if (call := described(method)) is None:
        raise SetupError(f"{name.upper()} {path} is not described: {view.__qualname__}.{name} needs a @call")
    return Operation(path, name, view.__module__, inspect.getdoc(method) or "", call)
