"""``python -m tools.sizing --users 1000000``: cores, memory and disks for a platform of that size.

Reckons from what was measured: benchmarks/results/ has the CPU seconds of a call in each process (peers.json), pushes a
second (bench.json) and bytes (footprint.json). docs/sizing.md explains the formulas, and says where they end.
"""

import argparse
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median
from typing import Any, Final

RESULTS: Final = Path(__file__).parents[1] / "benchmarks" / "results"
DAY_SECONDS: Final = 86_400
#: Users that each post reaches in the measurement of what a post costs (peers.json); further ones cost a push each.
PUSHES_MEASURED: Final = 10
#: Share of a post's CPU in the workers that the accepting one has: 0.8 ms of 1.2 (docs/performance.md).
ACCEPTING: Final = 2 / 3
#: Memory of a worker, for which all its tables are open (benchmarks/bench: "worker memory with 5,000,000 edges").
WORKER_BYTES: Final = 350 * 2**20
#: Entries that a timeline keeps.
KEPT_ENTRIES: Final = 800
GIB: Final = 2**30
PARTS: Final = ("streams workers", "web workers", "Kafka", "Cassandra", "PostgreSQL", "Redis")


@dataclass(frozen=True)
class Demand:
    """What people do, and how much is kept. Rates are means over a day; ``peak`` is the busiest hour over that."""

    users: float = 1_000_000
    #: Share of the users that is there on a day, and that reads within 30 days: their timelines are kept in Redis.
    active: float = 0.2
    warm: float = 0.4
    #: Users that one follows, on average: as many follow one.
    followees: float = 100
    #: Of an active user a day.
    posts: float = 1
    pages: float = 30
    follows: float = 0.5
    peak: float = 3
    #: Days for which posts are reckoned (they are kept for good) and for which Kafka keeps events.
    history_days: float = 365
    event_days: float = 7
    #: Copies in Kafka and Cassandra; PostgreSQL's standbys; copies of the table on other workers; Redis' replicas.
    copies: float = 3
    postgres_standbys: float = 2
    table_standbys: float = 1
    redis_replicas: float = 2
    #: Within which a worker that has lost its folder shall have its part of the table back.
    recovery_minutes: float = 10
    #: Share of a core that shall be in use at the peak.
    utilisation: float = 0.5

    @property
    def edges(self) -> float:
        """Follow relations."""
        return self.users * self.followees

    def at_peak(self, a_day: float) -> float:
        """Return the calls a second at the peak, of ``a_day`` for each active user."""
        return self.users * self.active * a_day / DAY_SECONDS * self.peak


@dataclass(frozen=True)
class Measured:
    """What was measured: CPU seconds of a call by part, pushes and recovered rows a second of one worker, bytes."""

    cpu: Mapping[str, Mapping[str, float]]
    pushes: float
    recovered: float
    footprint: Mapping[str, Any]

    def timeline_bytes(self, entries: float) -> float:
        """Return the bytes of a timeline in Redis: on the straight line from an empty to a full one."""
        empty, full = (float(self.footprint["timeline"][str(length)]) for length in (0, KEPT_ENTRIES))
        return empty + (full - empty) * min(entries, KEPT_ENTRIES) / KEPT_ENTRIES


@dataclass(frozen=True)
class Need:
    """What a part needs in all, its copies included. Bytes; 0 where it does not count."""

    part: str
    cores: float
    #: Workers; 0 for a part of which no number is reckoned.
    processes: int = 0
    memory: float = 0
    disk: float = 0


def measured(folder: Path = RESULTS) -> Measured:
    """Read the results. Raises FileNotFoundError where one was never measured."""
    peers, bench, footprint = (json.loads((folder / f"{name}.json").read_text()) for name in _FILES)
    rounds = peers["sides"]["ours"]
    cpu = {step: _cpu([each[step] for each in rounds]) for step in ("registered", "followed", "delivered", "read")}
    return Measured(cpu, _rate(bench, "fan-out", "pushes/s"), _rate(bench, "recovery", "rows/s"), footprint)


def _rate(bench: Mapping[str, Any], scene: str, unit: str) -> float:
    [row] = [row for row in bench["scenes"][scene] if row["unit"] == unit]
    return float(median(row["figures"]))


_FILES: Final = ("peers", "bench", "footprint")


def _cpu(rounds: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the CPU seconds of a call by part: medians of the rounds. A worker is told by its port."""
    names = {"kafka": "Kafka", "cassandra": "Cassandra", "postgres": "PostgreSQL", "valkey": "Redis"}
    by_part: dict[str, list[float]] = {}
    for each in rounds:
        for process, seconds in each["cpu"].items():
            by_part.setdefault(names.get(process, "worker"), []).append(seconds / each["count"])
    return {part: median(seconds) for part, seconds in by_part.items()}


def needs(demand: Demand, of: Measured) -> list[Need]:
    """Return what each part needs."""
    cores = _cores(demand, of)
    bytes_of = of.footprint
    posts_a_day = demand.users * demand.active * demand.posts
    follows_a_day = demand.users * demand.active * demand.follows
    table = demand.edges * bytes_of["edge"]["rocksdb"] * (1 + demand.table_standbys)
    events = posts_a_day * bytes_of["post"]["kafka"] + follows_a_day * bytes_of["edge"]["kafka"]
    changelog = demand.edges * bytes_of["edge"]["changelog"]
    posts = posts_a_day * demand.history_days * bytes_of["post"]["cassandra"]
    rows = demand.users * bytes_of["user"]["postgres"] + demand.edges * bytes_of["edge"]["postgres"]
    redis = _redis(demand, of)
    # A worker has one core, and there are two at least; each must be able to read its part of the table back in time.
    readable = of.recovered * demand.recovery_minutes * 60
    streams = max(2, math.ceil(cores["streams workers"]), math.ceil(demand.edges / readable))
    web = max(2, math.ceil(cores["web workers"]))
    return [
        # Twice the table: RocksDB writes anew what it compacts.
        Need("streams workers", cores["streams workers"], streams, streams * WORKER_BYTES, 2 * table),
        Need("web workers", cores["web workers"], web, web * WORKER_BYTES),
        Need("Kafka", cores["Kafka"] * demand.copies, disk=(events * demand.event_days + changelog) * demand.copies),
        # Twice: a compaction needs as much again.
        Need("Cassandra", cores["Cassandra"] * demand.copies, disk=2 * posts * demand.copies),
        # Half as much again: the write-ahead log, and rows that wait for a vacuum.
        Need("PostgreSQL", cores["PostgreSQL"], disk=1.5 * rows * (1 + demand.postgres_standbys)),
        # Twice: while the append-only file is rewritten, what changes is copied.
        Need("Redis", cores["Redis"], memory=2 * redis, disk=2 * redis),
    ]


def _cores(demand: Demand, of: Measured) -> dict[str, float]:
    posts, pages = demand.at_peak(demand.posts), demand.at_peak(demand.pages)
    follows = demand.at_peak(demand.follows)
    further = posts * max(0.0, demand.followees - PUSHES_MEASURED) / of.pushes
    calls = {"delivered": posts, "read": pages, "followed": follows}
    busy = {part: sum(rate * of.cpu[step][part] for step, rate in calls.items()) for part in PARTS[2:]}
    worker = {step: rate * of.cpu[step]["worker"] for step, rate in calls.items()}
    busy["streams workers"] = (1 - ACCEPTING) * worker["delivered"] + worker["followed"] / 2 + further
    busy["web workers"] = ACCEPTING * worker["delivered"] + worker["followed"] / 2 + worker["read"]
    busy["Redis"] += further
    return {part: seconds / demand.utilisation for part, seconds in busy.items()}


def _redis(demand: Demand, of: Measured) -> float:
    """Return the bytes of timelines that are warm, and of the posts that are cached for a day."""
    entries = demand.followees * demand.active * demand.posts * demand.history_days
    timelines = demand.users * demand.warm * of.timeline_bytes(entries)
    cached = demand.users * demand.active * demand.posts * float(of.footprint["post"]["redis"])
    return (timelines + cached) * (1 + demand.redis_replicas)


def text(demand: Demand, of: Measured) -> str:
    """Return the answer, for people."""
    rates = {
        "posts": demand.at_peak(demand.posts),
        "pushes": demand.at_peak(demand.posts) * demand.followees,
        "pages": demand.at_peak(demand.pages),
        "follows": demand.at_peak(demand.follows),
    }
    lines = [
        f"{demand.users:,.0f} users, {demand.users * demand.active:,.0f} active a day; {demand.edges:,.0f} edges",
        "at the peak, a second: " + ", ".join(f"{rate:,.1f} {name}" for name, rate in rates.items()),
        "",
        f"{'part':<16} {'cores':>8} {'processes':>10} {'memory GiB':>11} {'disk GiB':>10}",
    ]
    lines += [
        f"{need.part:<16} {need.cores:>8,.2f} {need.processes or '-':>10} {_gib(need.memory):>11} {_gib(need.disk):>10}"
        for need in needs(demand, of)
    ]
    return "\n".join(lines) + "\n"


def _gib(size: float) -> str:
    return f"{size / GIB:,.1f}" if size else "-"


def main(arguments: Sequence[str] | None = None, say: Callable[[str], object] = print) -> None:
    """Reckon for what the command line says, and print it."""
    parser = argparse.ArgumentParser(prog="python -m tools.sizing", description="Reckons by docs/sizing.md.")
    for field in fields(Demand):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=float, default=field.default, metavar="N")
    say(text(Demand(**vars(parser.parse_args(arguments))), measured()))


if __name__ == "__main__":
    main()
