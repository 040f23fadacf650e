"""Stores that note each of their calls, for tests of what something costs."""

import inspect
from dataclasses import fields
from typing import Any

from microblog_streams.operations import Stores


class Counted:
    """A store that notes its calls, as ``store.method``."""

    def __init__(self, store: object, name: str, calls: list[str]) -> None:
        self._store, self._name, self._calls = store, name, calls

    def __getattr__(self, method: str) -> Any:
        real = getattr(self._store, method)
        if not inspect.iscoroutinefunction(real):
            return real

        async def call(*args: Any, **options: Any) -> object:
            self._calls.append(f"{self._name}.{method}")
            return await real(*args, **options)

        return call


def counted(stores: Stores, calls: list[str]) -> Stores:
    """Return the stores, which note their calls in the list."""
    return Stores(
        **{each.name: Counted(getattr(stores, each.name), each.name, calls) for each in fields(Stores)}  # type: ignore[arg-type]
    )
