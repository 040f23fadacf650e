"""Ports are chosen once, and given up only where another program listens."""

import json
import socket

import pytest

from microblog_streams.domain.errors import SetupError
from microblog_streams.local.ports import RANGE, choose, is_free, keep

NAMES = ("kafka", "redis")


def test_a_first_start_picks_distinct_ports_outside_the_range_of_outgoing_connections():
    ports = choose(NAMES, wanted={}, kept={})
    assert len(set(ports.values())) == 2
    assert all(port in RANGE for port in ports.values())


def test_kept_ports_are_used_again():
    kept = {"kafka": 20_001, "redis": 20_002}
    assert choose(NAMES, wanted={}, kept=kept, free=lambda port: True) == kept


def test_a_kept_port_that_is_taken_is_given_up_alone():
    kept = {"kafka": 20_001, "redis": 20_002}
    ports = choose(NAMES, wanted={}, kept=kept, free=lambda port: port != 20_001)
    assert ports["redis"] == 20_002
    assert ports["kafka"] not in kept.values()


def test_a_wanted_port_wins_over_the_kept_one():
    assert choose(["kafka"], {"kafka": 9_092}, {"kafka": 20_001}, lambda port: True) == {"kafka": 9_092}


def test_a_wanted_port_is_never_picked_for_another_part():
    free = {20_005, 20_006}
    ports = choose(NAMES, {"redis": 20_005}, {}, free=free.__contains__)
    assert ports == {"kafka": 20_006, "redis": 20_005}


def test_a_kept_port_that_is_now_wanted_by_another_part_is_given_up():
    ports = choose(NAMES, {"redis": 20_001}, {"kafka": 20_001}, lambda port: True)
    assert ports["redis"] == 20_001
    assert ports["kafka"] != 20_001


def test_one_port_wanted_for_two_parts_is_an_error():
    with pytest.raises(SetupError, match="port 20001 for redis is taken"):
        choose(NAMES, {"kafka": 20_001, "redis": 20_001}, {}, lambda port: True)


def test_a_wanted_port_that_is_taken_is_an_error_that_names_its_variable():
    with pytest.raises(SetupError, match=r"port 9092 for kafka is taken.*MICROBLOG_KAFKA_PORT"):
        choose(["kafka"], {"kafka": 9_092}, {}, lambda port: False)


def test_no_free_port_at_all_is_an_error():
    with pytest.raises(SetupError, match="no port"):
        choose(["kafka"], {}, {}, lambda port: False)


def test_a_port_with_a_listener_is_not_free():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_the_choice_is_kept_in_the_folder(tmp_path):
    first = keep(tmp_path / "ports.json", NAMES, {})
    assert json.loads((tmp_path / "ports.json").read_text()) == first
    assert keep(tmp_path / "ports.json", NAMES, {}) == first


@pytest.mark.parametrize("damaged", ["", "[]", "{", '{"kafka": "x"}'])
def test_a_damaged_file_leads_to_new_ports(tmp_path, damaged):
    (tmp_path / "ports.json").write_text(damaged)
    assert set(keep(tmp_path / "ports.json", NAMES, {})) == set(NAMES)
