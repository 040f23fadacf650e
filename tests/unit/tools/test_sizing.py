"""Sizes are reckoned from measured figures, grow with what is asked, and are those that docs/sizing.md shows."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from microblog_streams.stores.redis.timelines import KEPT_ENTRIES as KEPT_IN_REDIS
from tools import sizing
from tools.sizing import Demand, Measured, needs

PAGE = Path(__file__).parents[3] / "docs" / "sizing.md"
PARTS = ("worker", "Kafka", "Cassandra", "PostgreSQL", "Redis")
STEPS = ("registered", "followed", "delivered", "read")
#: Every call takes every part a millisecond; Redis takes 100,000 pushes a second.
MEASURED = Measured(
    {step: dict.fromkeys(PARTS, 0.001) for step in STEPS},
    pushes=100_000,
    recovered=1_000,
    footprint={
        "edge": {"rocksdb": 40, "postgres": 100, "kafka": 150, "changelog": 60},
        "user": {"postgres": 200},
        "post": {"cassandra": 300, "redis": 400, "kafka": 350},
        "timeline": {"0": 100, "800": 20_100},
    },
)
#: One post, one page and no follow a second at the peak; as many followers as a measured post has.
SMALL = Demand(
    users=86_400,
    active=1,
    warm=0.5,
    followees=10,
    posts=1,
    pages=1,
    follows=0,
    peak=1,
    history_days=100,
    event_days=10,
    copies=3,
    postgres_standbys=1,
    table_standbys=1,
    redis_replicas=1,
    recovery_minutes=10,
    utilisation=0.5,
)


def need(part, demand=SMALL):
    return {each.part: each for each in needs(demand, MEASURED)}[part]


def test_cores_are_the_calls_times_their_cpu_by_what_may_be_in_use():
    assert need("Redis").cores == pytest.approx((0.001 + 0.001) / 0.5)
    assert need("Cassandra").cores == pytest.approx(3 * 0.002 / 0.5)
    assert need("streams workers").cores == pytest.approx(0.001 / 3 / 0.5)
    assert need("web workers").cores == pytest.approx((0.002 / 3 + 0.001) / 0.5)


def test_followers_beyond_the_measured_ones_cost_a_push_each():
    many = replace(SMALL, followees=10 + 50_000)
    assert need("Redis", many).cores - need("Redis").cores == pytest.approx(0.5 / 0.5)


def test_a_timeline_is_as_long_as_what_is_posted_to_it_and_never_longer_than_what_is_kept():
    assert MEASURED.timeline_bytes(0) == 100
    assert MEASURED.timeline_bytes(400) == 10_100
    assert MEASURED.timeline_bytes(1_000_000) == 20_100
    assert sizing.KEPT_ENTRIES == KEPT_IN_REDIS


def test_bytes_are_counted_with_their_copies():
    assert need("streams workers").disk == 2 * 864_000 * 40 * 2
    assert need("Cassandra").disk == 2 * 86_400 * 100 * 300 * 3
    assert need("Kafka").disk == (86_400 * 350 * 10 + 864_000 * 60) * 3
    assert need("PostgreSQL").disk == 1.5 * (86_400 * 200 + 864_000 * 100) * 2
    assert need("Redis").memory == 2 * (43_200 * 20_100 + 86_400 * 400) * 2


def test_a_worker_has_one_core_and_two_are_the_least():
    assert need("web workers").processes == 2
    assert need("web workers", replace(SMALL, pages=1_000)).processes == 3
    assert need("web workers").memory == 2 * sizing.WORKER_BYTES


def test_no_worker_holds_more_of_the_table_than_it_can_read_back_in_time():
    assert need("streams workers", replace(SMALL, followees=50)).processes == 8  # of 600,000 edges each at most


def test_what_was_measured_can_be_read():
    figures = sizing.measured()
    assert figures.pushes > 0
    assert all(set(PARTS) <= set(figures.cpu[step]) for step in STEPS)
    assert all(needed.cores > 0 for needed in needs(Demand(), figures))


@pytest.mark.parametrize("users", [100_000, 1_000_000, 100_000_000])
def test_the_page_shows_what_the_command_prints(users):
    said = []
    sizing.main(["--users", str(users)], said.append)
    shown = re.search(rf"    \$ python -m tools\.sizing --users {users}\n((?:    .*\n|\n)+)", PAGE.read_text())[1]
    assert [line[4:] for line in shown.rstrip().splitlines()] == said[0].rstrip().splitlines()


def test_an_unknown_question_is_refused(capsys):
    with pytest.raises(SystemExit):
        sizing.main(["--user", "many"])
    assert "--user" in capsys.readouterr().err
