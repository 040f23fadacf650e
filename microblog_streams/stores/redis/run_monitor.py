"""Looks at the primary again and again: which run of Redis answers, and whether what was written survives it.

After another run, what was written last may be lost. And what the primary wrote a hold ago must be on as many replicas
as it wants (``min-replicas-to-write``): one that is cut off goes on answering, and may have been replaced already.
"""

import hashlib
from collections import deque
from math import inf
from time import monotonic
from typing import Final, NamedTuple

from redis.exceptions import ClusterDownError

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.redis.checks import COPIED_WITHIN_SECONDS
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.server import Info, Server, info_of, requires_replicas, run_of

_DIGITS: Final = 40
#: Seconds between two reviews of the servers' settings while nothing happens.
REVIEW_SECONDS: Final = 60.0


class _Seen(NamedTuple):
    server: str
    run: str
    info: Info

    @property
    def key(self) -> tuple[str, str]:
        """What offsets that can be compared with each other have in common."""
        return self.server, self.run


class RunMonitor:
    """What was seen of the primaries at the last looks."""

    def __init__(self, redis: Redis) -> None:
        """Take the connections; look at nothing yet."""
        self._redis = redis
        self._histories: dict[tuple[str, str], _History] = {}
        self._reviewed = -inf
        self._run = ""

    async def run(self) -> str:
        """Return the id of the run; on a cluster one for those of all primaries.

        Raises StoreUnavailable where nothing is proven: no primary, or one that its replicas do not follow.
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
        """Read the settings again: of another server, after every trouble, and now and again."""
        if run != self._run or monotonic() - self._reviewed > REVIEW_SECONDS:
            await self._redis.review()
            self._reviewed = monotonic()

    @property
    def _window(self) -> float:
        return max(self._redis.hold, COPIED_WITHIN_SECONDS)

    def _copied(self, seen: _Seen, asked: float) -> bool:
        """Tell whether enough replicas have what the primary had at the first look of the last seconds."""
        history = self._histories.setdefault(seen.key, _History(asked))
        must = history.offset_since(asked - self._window, asked, int(seen.info.get("master_repl_offset", 0)))
        if must is None or not requires_replicas(seen.info):
            return True
        return len([offset for offset in _replicas(seen.info) if offset >= must]) >= self._redis.copies


class _History:
    """What one primary had written by each look of the last seconds (bytes of its replication stream)."""

    def __init__(self, begun: float) -> None:
        self._begun = begun
        self._looks: deque[tuple[float, int]] = deque()

    def offset_since(self, since: float, now: float, offset: int) -> int | None:
        """Note the offset of a look; return that of the first one since a moment, which covers all before the moment.

        None where no look was before: what was written since the first one need not be proven yet.
        """
        self._looks.append((now, offset))
        while self._looks[0][0] < since:
            self._looks.popleft()
        return self._looks[0][1] if self._begun <= since else None


async def _seen(server: Server) -> _Seen:
    info = await info_of(server)
    return _Seen(server.name, run_of(info), info)


async def _seen_in_cluster(server: Server) -> _Seen:
    """Raise ReadOnlyError for a replica that was the primary when we last looked, ClusterDownError for one cut off.

    The others have, or will soon have, a new primary in place of either, and what it took lately is lost.
    """
    seen = await _seen(server)
    if (await server.execute("CLUSTER INFO"))["cluster_state"] != "ok":
        raise ClusterDownError("a primary does not see the others")
    return seen


def _replicas(info: Info) -> list[int]:
    """Return how far each replica is that follows."""
    replicas = [info[name] for name in info if name.startswith("slave") and name[5:].isdecimal()]
    return [int(each["offset"]) for each in replicas if each["state"] == "online"]
