"""The next release is made from this one's source as it is now; a post's wait ends with its first delivery."""

import ast
from datetime import UTC, datetime
from uuid import UUID

from tests.support.upgrade.release import MIGRATION, next_release
from tests.support.upgrade.rolling import DELIVERED, Deliveries, Window, table

ACCEPTED = 1_800_000_000.0
POST = UUID(int=int(ACCEPTED * 1000) << 80)


def test_the_next_release_can_be_made(tmp_path):
    """Each text that it replaces is there once, else this fails and names it."""
    package = next_release(tmp_path) / "microblog_streams"
    for changed in package.glob("domain/*.py"):
        ast.parse(changed.read_text())
    assert (package / "stores" / "postgres" / "schema" / MIGRATION).exists()


class Log:
    """A worker that delivered the post three times, by lines in no order."""

    def logged(self, event):
        assert event == DELIVERED
        return [
            {
                "partition": 3,
                "event_id": str(POST),
                "timestamp": datetime.fromtimestamp(ACCEPTED + wait, UTC).isoformat(),
            }
            for wait in (9.0, 2.0, 5.0)
        ]


def test_a_post_that_is_delivered_again_waited_until_the_first_time():
    window = Window("one", ACCEPTED - 1, ACCEPTED + 20, 1.0, 2.0, 3.0, [3])
    before = Window("nothing", ACCEPTED - 9, ACCEPTED - 1)
    deliveries = Deliveries.read([Log()])

    assert deliveries.waits(window) == {3: 2.0}
    assert deliveries.waits(before) == {3: 0.0}
    assert table([window], deliveries).splitlines()[-1] == "| one | 1.0 | 2.0 | 3.0 | 2.0* |"
