"""``python -m benchmarks.footprint``: the bytes of an edge, a user, a post and a timeline, on a stack of its own.

Imports a fiftieth of the graph, so that PostgreSQL, Kafka and the changelog hold what the system itself writes; posts
over REST; stores posts in Cassandra and copies timelines in Redis by the thousand; writes a million rows into a RocksDB
with the options of a worker's tables. Sizes on disk are those after a flush (and, in RocksDB, a compaction). Writes
benchmarks/results/footprint.json, by which ``python -m tools.sizing`` reckons.
"""

import asyncio
import random
import re
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

from cassandra.cluster import Session
from faust.stores.rocksdb import RocksDBOptions
from rocksdict import WriteBatch

from benchmarks.crowd import FIRST, Crowd
from benchmarks.graph import read
from benchmarks.load import CONTENT
from benchmarks.produced import new_posts, store_posts
from benchmarks.report import Figures, refuse_arguments, report
from benchmarks.scenes import GRAPH, Platform, platform
from benchmarks.stage import Stage
from microblog_streams.config.settings import Settings
from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.domain.topics import POST_CREATED, USER_FOLLOW, changelog_name
from microblog_streams.ports import Row
from microblog_streams.stores.cassandra.driver import Address, open_cluster
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import KEPT_ENTRIES, Timelines
from tables.followers import ROCKSDB, encode_key, encode_row

FRACTION = 0.02
EDGES, AUTHORS, TIMELINES, POSTS, POSTS_OVER_REST = 1_000_000, 20_000, 2_000, 20_000, 1_000
#: Entries of the timelines that are weighed.
LENGTHS: Final = (0, 50, 200, KEPT_ENTRIES)
SEED: Final = 2003
#: Pages from which the words of posts are drawn.
WORDS: Final = Path(__file__).parents[1] / "docs"
#: Within which Cassandra writes what it has in memory to disk, and how often is looked whether it has.
FLUSH_SECONDS, LOOK_SECONDS = 2, 1.0


def main() -> None:
    """Weigh, and report."""
    refuse_arguments()
    report("footprint", 1, _measure, table)


async def _measure(stage: Stage) -> Figures:
    async with platform(stage) as on:
        before = await _postgres(stage.settings)
        imported = await on.load(read(GRAPH, FRACTION), FRACTION)
        grown = {name: size - before[name] for name, size in (await _postgres(stage.settings)).items()}
        events = _kafka(stage, USER_FOLLOW) / imported.follows
        changelog = _kafka(stage, changelog_name(1)) / imported.follows
        await on.post_at_once(sorted(imported.graph.people)[:POSTS_OVER_REST], CONTENT)
        return {
            "content characters": len(CONTENT),
            "edge": {
                "rocksdb": await asyncio.to_thread(_rocksdb),
                "postgres": grown["edges"] / imported.follows,
                "kafka": events,
                "changelog": changelog,
            },
            "user": {"postgres": grown["users"] / imported.people},
            "post": {**await _posts(on), "kafka": _kafka(stage, POST_CREATED) / POSTS_OVER_REST},
            "timeline": {str(length): await _timeline(on.redis, length) for length in LENGTHS},
        }


async def _postgres(settings: Settings) -> dict[str, int]:
    """Return the bytes of the tables of users and of edges, with their indexes."""
    postgres = Postgres(settings)
    await postgres.connect()
    try:
        rows = await postgres.fetch(
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relname IN ('users', 'follows')"
        )
    finally:
        await postgres.close()
    sizes: dict[str, int] = dict(rows)
    return {"users": sizes["users"], "edges": sizes["follows"]}


def _kafka(stage: Stage, topic: str) -> int:
    """Return the bytes of a topic's records on disk (its index files are sparse, and not counted)."""
    folder = stage.settings.data_dir / "kafka"
    return sum(file.stat().st_size for file in folder.rglob("*.log") if file.parent.name.startswith(f"{topic}-"))


def _rocksdb() -> float:
    """Return the bytes of an edge in a worker's table: EDGES follows among AUTHORS, after a compaction."""
    chance = random.Random(SEED)  # noqa: S311 - can be repeated, no secret
    now = datetime.now(UTC)
    options: dict[str, Any] = {name: value for name, value in ROCKSDB.items() if name != "driver"}
    with tempfile.TemporaryDirectory() as folder:
        rows = RocksDBOptions(use_rocksdict=True, **options).open(Path(folder))
        for _ in range(EDGES // 1_000):
            batch = WriteBatch(raw_mode=True)
            for _ in range(1_000):
                row = Row(chance.randrange(1, 4), True, now - timedelta(days=chance.uniform(0, 365)))
                batch.put(encode_key(chance.randrange(AUTHORS), chance.randrange(EDGES)), encode_row(row))
            rows.write(batch)
        rows.flush()
        rows.compact_range(None, None)
        size = sum(file.stat().st_size for file in Path(folder).rglob("*.sst"))
        rows.close()
    return size / EDGES


async def _posts(on: Platform) -> Figures:
    """Return the bytes of a post in Cassandra (both of its rows) and in Redis' cache."""
    settings, chance = on.stage.settings, random.Random(SEED)  # noqa: S311 - can be repeated, no secret
    memory = await _used(on.redis)
    words = re.findall(r"[A-Za-z]+", "\n".join(file.read_text() for file in WORDS.glob("*.md")))
    events = new_posts([chance.randrange(1, AUTHORS) for _ in range(POSTS)])
    varied = [event.model_copy(update={"content": _content(chance, words)}) for event in events]
    await store_posts(settings, on.redis, varied)
    cached = (await _used(on.redis) - memory) / POSTS
    return {"cassandra": await _cassandra(settings, on.stage), "redis": cached}


def _content(chance: random.Random, words: Sequence[str]) -> str:
    """Return a text as long as the others', but of words of its own: Cassandra compresses what is alike."""
    return " ".join(chance.choices(words, k=len(CONTENT)))[: len(CONTENT)]


async def _cassandra(settings: Settings, stage: Stage) -> float:
    await asyncio.to_thread(_let_flush, settings)
    folder = stage.settings.data_dir / "cassandra"
    size, last = 0, -1
    while size != last or not size:
        await asyncio.sleep(FLUSH_SECONDS + LOOK_SECONDS)
        last, size = size, sum(file.stat().st_size for file in folder.rglob("posts_by_*/*") if file.is_file())
    return size / (POSTS + POSTS_OVER_REST)


def _let_flush(settings: Settings) -> None:
    keyspace = Address.of(settings).keyspace
    cluster = open_cluster(settings)
    try:
        session: Session = cluster.connect(keyspace)
        for name in ("posts_by_id", "posts_by_author"):
            session.execute(f"ALTER TABLE {name} WITH memtable_flush_period_in_ms = {FLUSH_SECONDS * 1000}")
    finally:
        cluster.shutdown()


async def _timeline(redis: Redis, length: int) -> float:
    """Return the bytes that a timeline of ``length`` entries takes of Redis' memory, its key included."""
    timelines = Timelines(redis)
    crowd = Crowd(FIRST, TIMELINES)
    await timelines.remove(FIRST)
    await timelines.create(FIRST)
    for _ in range(length):
        await timelines.push([FIRST], encode_entry(new_post_id(), FIRST))
    before = await _used(redis)
    await crowd.copy(redis)
    used = (await _used(redis) - before) / (TIMELINES - 1)
    for user in crowd.people:
        await timelines.remove(user)
    return used


async def _used(redis: Redis) -> int:
    return int((await cast(Any, redis.client.info("memory")))["used_memory"])


def table(figures: Figures) -> str:
    """Return the figures as a table in Markdown."""
    lines = ["| what | bytes |", "|---|---|"]
    named: Sequence[str] = ("edge", "user", "post", "timeline")
    lines += [f"| {name}: {place} | {size:,.0f} |" for name in named for place, size in figures[name].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
