"""What a Redis server must be before anything is kept in it."""

import re
from collections.abc import Mapping
from typing import Final

from microblog_streams.domain.errors import SetupError
from microblog_streams.stores.redis.server import Server

#: Redis 7.0 brought the Lua functions that timelines are made of.
OLDEST: Final = (7, 0)
#: Strings in the order of their bytes, each pair of which some locale puts the other way round or calls equal.
#: Timelines compare ids in Lua, and Lua compares by the server's locale.
IN_BYTE_ORDER: Final = (
    b"\x00",
    b"\x00\x01",
    b"-b",
    b"Z",
    b"_b",
    b"a",
    b"a\x00",
    b"a\x00\x01",
    b"\x7f",
    b"\x80",
    b"\xff",
)
ORDER_PROBE: Final = "for i = 2, #ARGV do if not (ARGV[i - 1] < ARGV[i]) then return 0 end end return 1"


async def check(server: Server, *, clustered: bool) -> None:
    """Raise SetupError for a server that is too old, alone or not against the URL, or compares strings by a locale."""
    info = await server.execute("INFO", "server")
    _check_version(info)
    _check_mode(info, clustered)
    if not await server.execute("EVAL_RO", ORDER_PROBE, 0, *IN_BYTE_ORDER):
        raise SetupError(
            "Redis at MICROBLOG_REDIS_URL compares strings by a locale, which would disorder timelines: "
            "set `locale-collate C` (Valkey, Redis 7.2), or start the server with LC_ALL=C."
        )


def _check_version(info: Mapping[str, object]) -> None:
    """Raise SetupError for a server older than ``OLDEST``. Valkey says which Redis it is compatible with."""
    version = str(info.get("redis_version", "0"))
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise SetupError(f"Redis {version} at MICROBLOG_REDIS_URL is too old: {needed} or newer, or Valkey, is needed.")


def _check_mode(info: Mapping[str, object], clustered: bool) -> None:
    """Raise SetupError for a URL that takes a server of a cluster for one that is alone: it has a part of the keys."""
    mode = info.get("redis_mode", info.get("server_mode"))
    if mode == "cluster" and not clustered:
        raise SetupError(
            "Redis at MICROBLOG_REDIS_URL is part of a Redis Cluster: write redis+cluster://, or rediss+cluster://."
        )
