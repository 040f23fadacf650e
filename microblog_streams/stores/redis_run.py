"""Which run of Redis answers: after another one, what was written last may be lost."""

import hashlib
from typing import Final

from redis.exceptions import ClusterDownError, ReadOnlyError

from microblog_streams.stores.redis import Redis
from microblog_streams.stores.redis_server import Server

_DIGITS: Final = 40


async def run_of(redis: Redis) -> str:
    """Return the id of the server's run; on a cluster one for those of all primaries. Raises StoreUnavailable.

    So a replica that takes over begins another run: it may not have had its primary's last writes.
    """
    if not redis.clustered:
        return "".join(await redis.ask_all(_run))
    runs = await redis.ask_all(_run_of_primary)
    return hashlib.sha256("".join(sorted(runs)).encode()).hexdigest()[:_DIGITS]


async def _run(server: Server) -> str:
    return str((await server.execute("INFO", "server"))["run_id"])


async def _run_of_primary(server: Server) -> str:
    """Raise ReadOnlyError for a replica that was the primary when we last looked, ClusterDownError for one cut off.

    The others have, or will soon have, a new primary in place of either, and what it took lately is lost.
    """
    info = await server.execute("INFO", "server", "replication")
    if info["role"] != "master":
        raise ReadOnlyError("a primary has become a replica")
    if (await server.execute("CLUSTER INFO"))["cluster_state"] != "ok":
        raise ClusterDownError("a primary does not see the others")
    return str(info["run_id"])
