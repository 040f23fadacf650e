"""A recovery that is not given its records begins again, in another generation of the group."""

from types import SimpleNamespace

import faust
import pytest

from microblog_streams.delivery.faust_patches import recovery
from microblog_streams.delivery.faust_patches.recovery import PatchedRecovery
from tests.support.waiting import until


@pytest.fixture
async def watched(monkeypatch, tmp_path):
    """A recovery that waits for five records, and the reasons for which the group was joined again."""
    monkeypatch.setattr(recovery, "CHECK_SECONDS", 0.001)
    monkeypatch.setattr(recovery, "STALL_SECONDS", 0.05)
    reasons = []
    monkeypatch.setattr(recovery, "rejoin", lambda app, reason: reasons.append(reason))
    app = faust.App("stalled-test", datadir=tmp_path, store="memory://", broker="kafka://127.0.0.1:1")
    watched = PatchedRecovery(app, app.tables)
    watched.in_recovery = True
    watched.active_highwaters["changelog"], watched.active_offsets["changelog"] = 9, 4
    watch = watched.add_future(watched._begin_again_where_stalled.fun(watched))
    yield SimpleNamespace(recovery=watched, reasons=reasons)
    watch.cancel()


async def test_a_recovery_that_stands_still_begins_again(watched):
    await until(lambda: watched.reasons)
    assert "5 records before its end" in watched.reasons[0]


async def test_one_that_is_over_is_left_alone(watched):
    watched.recovery.active_offsets["changelog"] = 9
    looks = []
    need = watched.recovery.need_recovery
    watched.recovery.need_recovery = lambda: looks.append(1) or need()
    await until(lambda: len(looks) > 100)
    assert watched.reasons == []
