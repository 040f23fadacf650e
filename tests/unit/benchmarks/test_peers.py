"""What the table of ``make peers`` says of its rounds, and how CPU time is counted."""

import os

import psutil
import pytest

from benchmarks.peers.cores import cpu_seconds
from benchmarks.peers.level import are_level
from benchmarks.peers.rows import table
from benchmarks.peers.together import together


def step(count=100, seconds=2.0, cpu=None, load=0.5):
    return {"count": count, "begun": 5.0, "ended": 5.0 + seconds, "cpu": cpu or {}, "load": load}


def played(**changes):
    return {name: step(**changes) for name in ("registered", "followed", "accepted", "delivered", "read")}


def line(text, what):
    return next(line for line in text.splitlines() if line.startswith(f"| {what} |"))


def test_a_rate_is_told_by_the_median_and_spread_of_its_rounds():
    rounds = [played(count=count) for count in (100, 400, 200)]
    assert line(table({"sides": {"ours": rounds}}), "posts accepted").startswith("| posts accepted | 100 (50 to 200) |")


def test_a_post_is_ten_deliveries():
    assert line(table({"sides": {"ours": [played()]}}), "deliveries").startswith("| deliveries | 500 |")


def test_a_rate_per_core_is_by_the_cpu_of_all_processes():
    text = table({"sides": {"ours": [played(cpu={"worker": 0.5, "valkey": 0.3})]}})
    assert line(text, "followed").startswith("| followed | 50 | 125 |")


def test_a_load_that_was_busy_itself_is_told():
    assert "| at least 50 |" in line(table({"sides": {"target": [played(load=0.95)]}}), "followed")


def test_what_was_told_stands_beside_one_side_only():
    one, both = {"ours": [played()]}, {"ours": [played()], "target": [played()]}
    assert line(table({"sides": one}), "followed").endswith("| 2,600 |")
    assert line(table({"sides": both}), "followed") == "| followed | 50 |  | 50 |  |"


def test_what_a_call_costs_is_told_for_each_process_and_together():
    rounds = [played(cpu={"worker": spent, "valkey": 0.1}) for spent in (0.2, 0.3, 0.9)]
    text = table({"sides": {"ours": rounds}})
    assert line(text, "ours: worker") == "| ours: worker | 3.00 | 3.00 | 3.00 | 3.00 | 3.00 |"
    assert line(text, "ours: valkey").startswith("| ours: valkey | 1.00 |")
    assert line(text, "ours: all").startswith("| ours: all | 4.00 |")


def test_of_unknown_processes_no_cost_is_told():
    assert "CPU" not in table({"sides": {"target": [played()]}})


@pytest.mark.parametrize(
    ("counts", "level"),
    [([100, 100], False), ([100, 105, 109], True), ([100, 200, 210], False), ([50, 200, 210, 190], True)],
)
def test_rates_are_level_once_two_rounds_were_no_faster_than_one_before(counts, level):
    assert are_level([played(count=count) for count in counts]) == level


def test_cpu_is_that_of_a_process_and_its_children():
    own = psutil.Process().cpu_times()
    assert cpu_seconds({"itself": os.getpid()})["itself"] >= own.user + own.system > 0


def test_a_process_that_is_gone_has_used_nothing():
    assert cpu_seconds({"gone": 2**22 + 1}) == {"gone": 0}


async def test_the_first_failure_comes_as_it_is():
    async def fail():
        raise KeyError("first")

    async def done():
        return 7

    assert await together([done(), done()]) == [7, 7]
    with pytest.raises(KeyError):
        await together([done(), fail()])
