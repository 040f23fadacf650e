"""Which partitions of the changelogs this worker has by now: as the owner of the table's partition, or as a standby.

Faust applies records, and stores offsets, of whatever partition they are, and opens its database for it. With standby
tables such records are common around a rebalance: they wait in buffers when their partition is given to another.
"""

from typing import Any, cast

from faust.types import AppT
from faust.types.tuples import TP


class ChangelogAssignment:
    """What the group's assignor gave to this worker, looked up once an assignment: records are many."""

    def __init__(self, app: AppT) -> None:
        """Nothing is held before the first assignment."""
        self._app = app
        self._seen: object = None
        self._owned: frozenset[TP] = frozenset()
        self._held: frozenset[TP] = frozenset()

    def owned(self) -> frozenset[TP]:
        """Return the partitions whose rows are written here."""
        self._refresh()
        return self._owned

    def held(self) -> frozenset[TP]:
        """Return those and the ones of which this worker keeps a warm copy."""
        self._refresh()
        return self._held

    def _refresh(self) -> None:
        # By the assignment itself, not by the generation's number: that begins anew with a group that Kafka has lost.
        assignor = cast(Any, self._app.assignor)
        if (assignment := assignor._assignment) is not self._seen:
            self._owned = frozenset(assignor.assigned_actives())
            self._held = self._owned | assignor.assigned_standbys()
            self._seen = assignment
