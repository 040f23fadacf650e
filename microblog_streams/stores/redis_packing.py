"""Commands made into bytes by hiredis. A push of 500 keys took half of its client's time in redis-py's loop over them.

redis-py packs by hiredis in its blocking client alone (as of 8.1), so its connections for asyncio are given what that
client uses.
"""

from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.connection import HiredisRespSerializer
from redis.typing import EncodableT

_serializer: Any = HiredisRespSerializer()


class _Packing(AbstractConnection):
    def pack_command(self, *args: EncodableT) -> list[bytes]:
        """Return one command's bytes. Raises DataError for what is neither bytes, text nor a number."""
        packed: list[bytes] = _serializer.pack(*args)
        return packed


def packing(connection: type[AbstractConnection]) -> type[AbstractConnection]:
    """Return a kind of connection that differs in nothing else."""
    return type(f"Packing{connection.__name__}", (_Packing, connection), {})
