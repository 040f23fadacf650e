"""What our connections to Redis do in another way than redis-py's for asyncio (redis-py 8.1, uvloop 0.23).

**Commands are made into bytes by hiredis.** A push of 500 keys took half of its client's time in redis-py's loop over
them. redis-py packs by hiredis in its blocking client alone.

**A connection that the server has closed is one that failed.** In the moment before the reader notices the end, a write
is a RuntimeError of uvloop, which redis-py passes on. Callers took it for a defect: REST answered 500 in place of 503,
and an effect that meets it five times halts its partition.
"""

from collections.abc import Iterable
from typing import Any, Final

from redis.asyncio.connection import AbstractConnection
from redis.connection import HiredisRespSerializer
from redis.exceptions import ConnectionError as NotConnected
from redis.typing import EncodableT

_serializer: Any = HiredisRespSerializer()
#: What uvloop says of a transport that is closed; it has no class for it.
_CLOSED: Final = "the handler is closed"


class _Packing(AbstractConnection):
    def pack_command(self, *args: EncodableT) -> list[bytes]:
        """Return one command's bytes. Raises DataError for what is neither bytes, text nor a number."""
        packed: list[bytes] = _serializer.pack(*args)
        return packed

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        """Send bytes. Raises redis-py's ConnectionError where the connection is closed."""
        try:
            await super().send_packed_command(command, check_health)
        except RuntimeError as error:
            if _CLOSED not in str(error):
                raise
            raise NotConnected("Connection closed by server.") from error


def packing(connection: type[AbstractConnection]) -> type[AbstractConnection]:
    """Return a kind of connection that differs in nothing else."""
    return type(f"Packing{connection.__name__}", (_Packing, connection), {})
