"""What this worker tells of itself to the page of another: its health, and its part of the followers table."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from microblog_streams.cluster_status.models import Report, Size

if TYPE_CHECKING:
    from microblog_streams.bootstrap.application import MicroblogApp

#: What RocksDB keeps count of by itself. Rows that were written again count twice until it compacts.
ROWS: Final = "rocksdb.estimate-num-keys"
BYTES: Final = ("rocksdb.live-sst-files-size", "rocksdb.size-all-mem-tables")


class LocalStatus:
    """Looks at one worker from inside."""

    def __init__(self, app: "MicroblogApp") -> None:
        """Look at ``app``."""
        self._app = app

    async def report(self) -> Report:
        """Return what is to be told. Takes about a second where a store is silent."""
        health = await self._app.health.report()
        return Report(
            worker=self._app.settings.worker_name,
            problems=tuple(health["problems"]),
            warnings=tuple(health["warnings"]),
            unacked=health["delivery"]["unacked"],
            sizes=sizes(self._app.followers.table.databases),
        )


def sizes(databases: Mapping[int, Any]) -> tuple[Size, ...]:
    """Return the sizes of the open databases, by partition."""
    return tuple(_size(partition, database) for partition, database in sorted(databases.items()))


def _size(partition: int, database: Any) -> Size:  # noqa: ANN401 -- rocksdict has no types
    rows, *parts = (database.property_int_value(name) or 0 for name in (ROWS, *BYTES))
    return Size(partition, rows, sum(parts))
