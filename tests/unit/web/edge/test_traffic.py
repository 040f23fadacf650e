"""A door's counts as metrics."""

import pytest
from prometheus_client import CollectorRegistry

from web.server.connection_limits import ConnectionLimits, Cut
from web.server.limits import Limits
from web.server.metrics import Traffic


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("microblog_connections", {}, 2),
        ("microblog_connections_refused_total", {"reason": "address"}, 1),
        ("microblog_connections_refused_total", {"reason": "total"}, 0),
        ("microblog_connections_cut_total", {"reason": "head"}, 1),
        ("microblog_connections_cut_total", {"reason": "send"}, 0),
    ],
)
def test_every_count_has_its_name(name, labels, value):
    door = ConnectionLimits(Limits(connections_per_address=1))
    for address in ["a", "a", "b"]:
        door.enter(address)
    door.cut[Cut.HEAD] += 1
    registry = CollectorRegistry()

    registry.register(Traffic(door))

    assert registry.get_sample_value(name, labels) == value
