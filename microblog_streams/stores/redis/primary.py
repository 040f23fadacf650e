"""Whether a Redis server is a primary, and what names the history of its data.

A server that is demoted keeps its run id, and its open connections. When it is made the primary again it still has that
run id, but the data of the one that was primary meanwhile. So a run is the run id together with the replication id,
which a server changes whenever it becomes the primary.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from redis.exceptions import ReadOnlyError

from microblog_streams.stores.redis.server import Server

#: The sections ``server`` and ``replication`` of INFO, as redis-py parses them.
Info: TypeAlias = Mapping[str, Any]

PRIMARY: Final = "master"
#: What a primary tells that refuses writes where too few replicas follow (``min-replicas-to-write``).
_FOLLOWERS: Final = "min_slaves_good_slaves"


async def info_of(server: Server) -> Info:
    """Return what a primary says of itself. Raises ReadOnlyError for a server that is none."""
    return must_be_primary(await told_by(server))


async def told_by(server: Server) -> Info:
    """Return what a server says of itself."""
    info: Info = await server.execute("INFO", "server", "replication")
    return info


def must_be_primary(info: Info) -> Info:
    """Return what was told. Raises ReadOnlyError where it is not a primary's."""
    if info.get("role") != PRIMARY:
        raise ReadOnlyError(f"the server is not a primary, its role is {info.get('role', 'not told')}")
    return info


def run_of(info: Info) -> str:
    """Return what is another one after every start of the server, and every time that it becomes the primary."""
    return f"{info['run_id']}-{info.get('master_replid', '')}"


def wants_copies(info: Info) -> bool:
    """Tell whether the primary takes writes only while replicas follow."""
    return _FOLLOWERS in info
