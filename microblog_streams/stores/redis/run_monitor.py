"""Monitors the primary: which run of Redis answers, and whether its replicas have what it wrote.

A new run may have lost the last writes of the old one. A primary that is cut off keeps answering and may have been
replaced already; so what it wrote one ack hold ago must be on as many replicas as ``min-replicas-to-write`` requires.
"""

import hashlib
from collections import deque
from math import inf
from time import monotonic
from typing import Final, NamedTuple

from redis.exceptions import ClusterDownError

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.server import REPLICATION_SECONDS, Info, Server, info_of, requires_replicas, run_of

_DIGITS: Final = 40
#: Interval of the durability checks while nothing changes.
REVIEW_SECONDS: Final = 60.0


class _Seen(NamedTuple):
    server: str
    run: str
    info: Info

    @property
    def key(self) -> tuple[str, str]:
        """Offsets can be compared among equal keys only."""
        return self.server, self.run


class RunMonitor:
    """The run and the replication offsets of the primaries, updated by each call of ``run``."""

    def __init__(self, redis: Redis) -> None:
        """Monitor ``redis``; no command is sent before ``run``."""
        self._redis = redis
        self._histories: dict[tuple[str, str], _History] = {}
        self._reviewed = -inf
        self._run = ""

    async def run(self) -> str:
        """Return the run id; on a cluster, a digest over all primaries.

        Raises StoreUnavailable if writes are not proven durable: no primary, or too few replicas follow it.
        """
        try:
            run = await self._look()
            await self._review(run)
        except StoreUnavailable as exc:
            self._redis.trouble, self._reviewed = exc, -inf
            raise
        self._redis.trouble, self._run = None, run
        return run

    async def _look(self) -> str:
        asked = monotonic()
        seen = await self._redis.run_on_current(_seen_in_cluster if self._redis.clustered else _seen)
        behind = [each for each in seen if not self._copied(each, asked)]
        self._histories = {each.key: self._histories[each.key] for each in seen}
        if behind:
            reason = f"what was written {self._window:g} s ago is not on {self._redis.copies} of its replicas"
            raise StoreUnavailable(self._redis.name, reason)
        runs = "".join(sorted(each.run for each in seen)) + str(self._redis.changes)
        return hashlib.sha256(runs.encode()).hexdigest()[:_DIGITS]

    async def _review(self, run: str) -> None:
        """Repeat the durability checks: of another run, after a failure, and at intervals."""
        if run != self._run or monotonic() - self._reviewed > REVIEW_SECONDS:
            await self._redis.review()
            self._reviewed = monotonic()

    @property
    def _window(self) -> float:
        return max(self._redis.hold, REPLICATION_SECONDS)

    def _copied(self, seen: _Seen, asked: float) -> bool:
        """Return whether enough replicas have what the primary had written a window ago."""
        history = self._histories.setdefault(seen.key, _History(asked))
        must = history.offset_since(asked - self._window, asked, int(seen.info.get("master_repl_offset", 0)))
        if must is None or not requires_replicas(seen.info):
            return True
        return len([offset for offset in _replicas(seen.info) if offset >= must]) >= self._redis.copies


class _History:
    """The replication offsets (bytes) of one primary at each observation within the window."""

    def __init__(self, begun: float) -> None:
        self._begun = begun
        self._offsets: deque[tuple[float, int]] = deque()

    def offset_since(self, since: float, now: float, offset: int) -> int | None:
        """Add the current offset; return the first one observed after ``since``, which covers all earlier writes.

        None until the observations go back to ``since``: writes after the first observation need no proof yet.
        """
        self._offsets.append((now, offset))
        while self._offsets[0][0] < since:
            self._offsets.popleft()
        return self._offsets[0][1] if self._begun <= since else None


async def _seen(server: Server) -> _Seen:
    info = await info_of(server)
    return _Seen(server.name, run_of(info), info)


async def _seen_in_cluster(server: Server) -> _Seen:
    """Raises ReadOnlyError for a demoted primary, ClusterDownError for one that is cut off.

    The other nodes have, or will soon have, a new primary in its place, and its latest writes are lost.
    """
    seen = await _seen(server)
    if (await server.execute("CLUSTER INFO"))["cluster_state"] != "ok":
        raise ClusterDownError("a primary does not see the others")
    return seen


def _replicas(info: Info) -> list[int]:
    """Return the offsets of the replicas that are online."""
    replicas = [info[name] for name in info if name.startswith("slave") and name[5:].isdecimal()]
    return [int(each["offset"]) for each in replicas if each["state"] == "online"]
