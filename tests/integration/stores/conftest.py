"""Connections to the session's stack, one for all tests of a module, and a keyspace that no other module sees."""

import asyncio
import time
from secrets import token_hex

import pytest
from pydantic import SecretStr

#: Seconds that something which must happen may take on a busy machine.
DEADLINE = 60


@pytest.fixture(scope="module")
def keyspace_settings(stack):
    """Settings that name a keyspace of the module's own, which does not exist yet."""
    address, _, _ = stack.settings.cassandra_url.get_secret_value().rpartition("/")
    return stack.settings.model_copy(update={"cassandra_url": SecretStr(f"{address}/test_{token_hex(6)}")})


@pytest.fixture
def eventually():
    """Return a function that awaits a call until it raises none of these errors, and returns its result."""

    async def wait(call, *errors):
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                return await call()
            except errors:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.02)

    return wait
