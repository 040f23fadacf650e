"""How the workers of ``make run`` are stopped."""

from types import SimpleNamespace

import pytest

from microblog_streams.config.settings import Settings
from microblog_streams.local.workers import DRAIN_SECONDS, Workers


class Children:
    """Starts nothing; notes how long a stop may take."""

    def __init__(self):
        self.patience = []

    def start(self, command, log, environment):
        return SimpleNamespace(stop=lambda number, patience: self.patience.append(patience))


@pytest.mark.parametrize("hold", [0, 60])
def test_a_stop_waits_out_the_hold_of_acknowledgements(hold, tmp_path):
    children = Children()
    Workers(children, Settings(ack_hold=hold, data_dir=tmp_path), 1, print).stop()
    assert children.patience == [DRAIN_SECONDS + hold]
