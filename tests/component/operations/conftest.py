"""All operations on stores in memory."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.fakes.world import World


@pytest.fixture
def world() -> World:
    """No user is registered; timelines keep 20 entries."""
    return World()


@pytest.fixture
def meanwhile() -> Callable[[object, str, Callable[[], Awaitable[object]]], None]:
    """Have something happen once, between the next call of a store's method and the use of its answer."""

    def interpose(store: object, method: str, action: Callable[[], Awaitable[object]]) -> None:
        real = getattr(store, method)

        actions = [action]

        async def call(*args: Any, **options: Any) -> object:
            first = actions.pop() if actions else None
            answer = await real(*args, **options)
            if first:
                await first()
            return answer

        setattr(store, method, call)

    return interpose
