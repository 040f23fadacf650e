"""Connections of a test to a store, closed however the test or its set-up ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.ports import Connection
from tests.support.waiting import until

Store = TypeVar("Store", bound=Connection)


@asynccontextmanager
async def opened(store: Store) -> AsyncIterator[Store]:
    """Connect a store, in several tries where the machine is busy and the store's time-out is short."""

    async def connects() -> bool:
        try:
            await store.connect()
            await store.ping()
        except StoreUnavailable:
            return False
        return True

    try:
        await until(connects)
        yield store
    finally:
        await store.close()
