"""Every part in a folder whose name has all that some syntax takes for its own, started twice."""

import pytest

from microblog_streams.local.options import LocalSettings
from microblog_streams.local.stack import PARTS, Stack
from tests.system.local.test_surroundings import ODD


@pytest.fixture
def odd(folder):
    """A data folder with such a name, below a home with such a name."""
    return folder / "home" / ODD / "data"


def test_every_server_keeps_its_data_in_its_folder_and_restarts(odd, processes):
    with Stack(odd, LocalSettings()) as stack:
        first = stack.environment
        beside = {path.name for path in odd.iterdir()}
    with Stack(odd, LocalSettings()) as stack:
        assert stack.environment == first
    assert processes() == []
    assert {path.name for path in odd.iterdir()} == beside
    assert {path.name for path in odd.parent.iterdir()} == {"data"}
    assert [part.name for part in PARTS if not (odd / part.name).is_dir()] == []
    assert [path.name for path in odd.parent.parent.iterdir()] == [ODD]
    assert (odd / "kafka" / "data" / "meta.properties").is_file()
    assert (odd / "cassandra" / "data" / "system").is_dir()
