"""Starting with a real Cassandra: what is made, what is refused, what is waited for."""

import asyncio
import socket

import pytest
from pydantic import SecretStr

from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.domain.ids import new_post_id
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.keyspace import migrate
from microblog_streams.stores.cassandra.posts import Posts
from tests.support.connections import opened

pytestmark = pytest.mark.integration


def posts_of(settings):
    cassandra = Cassandra(settings)
    return cassandra, Posts(cassandra)


async def test_a_missing_keyspace_is_reported_with_the_command_to_run(keyspace_settings):
    cassandra, _ = posts_of(keyspace_settings)
    with pytest.raises(SetupError, match="run `faust -A microblog_streams migrate`"):
        async with opened(cassandra):
            pass


async def test_migrating_twice_at_once_and_again_makes_everything_once(keyspace_settings):
    made = await asyncio.gather(migrate(keyspace_settings), migrate(keyspace_settings))
    keyspace = keyspace_settings.cassandra_url.get_secret_value().rpartition("/")[2]
    assert {name for names in made for name in names} == {
        f"table {keyspace}.posts_by_author",
        f"table {keyspace}.posts_by_id",
    }
    assert await migrate(keyspace_settings) == []
    cassandra, posts = posts_of(keyspace_settings)
    async with opened(cassandra):
        assert await posts.newest(1, None, 1) == []


async def test_a_start_waits_for_a_server_that_is_down(keyspace_settings):
    with socket.socket() as taken:  # no other process takes the port, which refuses connections without ``listen``
        taken.bind(("127.0.0.1", 0))
        url = SecretStr(f"cassandra://127.0.0.1:{taken.getsockname()[1]}/anything")
        nowhere = keyspace_settings.model_copy(update={"cassandra_url": url})
        cassandra, _ = posts_of(nowhere)
        with pytest.raises(StoreUnavailable, match="cassandra is unavailable: no host answers"):
            await cassandra.connect()
        with pytest.raises(StoreUnavailable):
            await migrate(nowhere)
        await cassandra.close()


async def test_nothing_can_be_called_before_and_after(keyspace_settings):
    await migrate(keyspace_settings)
    cassandra, posts = posts_of(keyspace_settings)
    with pytest.raises(StoreUnavailable, match="not connected"):
        await posts.get_many([new_post_id()])
    await cassandra.connect()
    await cassandra.connect()
    await cassandra.ping()
    await cassandra.close()
    with pytest.raises(StoreUnavailable, match="not connected"):
        await cassandra.ping()
