"""A connection to a broker that went away, on the event loop that workers run on."""

import asyncio

import pytest
import uvloop
from aiokafka import conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from microblog_streams.delivery.faust_patches import transport


@pytest.fixture
def mended(monkeypatch):
    """Aiokafka with the mend, without the exchange of versions."""
    monkeypatch.setattr(conn, "AIOKafkaConnection", conn.AIOKafkaConnection)
    transport.patch_connections()
    monkeypatch.setattr(conn.AIOKafkaConnection, "_do_version_lookup", lambda self: asyncio.sleep(0))


async def closed_writer(port):
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    await writer.wait_closed()
    return writer


async def ask_on_closed_transport(told):
    """Connect as aiokafka's clients do; ask after the transport was closed and before the reader has noticed."""
    async with await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        made = await conn.create_conn("127.0.0.1", port, on_close=lambda closed, reason: told.append(reason))
        made._versions = {MetadataRequest.API_KEY: (0, 1)}
        open_writer, made._writer = made._writer, await closed_writer(port)
        assert made.connected()
        try:
            await made.send(MetadataRequest([]))
        finally:
            open_writer.close()
            await open_writer.wait_closed()


def test_a_closed_transport_breaks_the_connection_and_fails_its_client(mended):
    told = []
    with pytest.raises(KafkaConnectionError, match="broken"):
        uvloop.run(ask_on_closed_transport(told))
    assert told == [conn.CloseReason.CONNECTION_BROKEN]
