"""A full index: posts of the last thirty days, and users, written by the store's own bulk requests.

The engine makes nothing searchable meanwhile, which spares it the merging of small segments.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any, Final
from uuid import UUID

from benchmarks.bars import bar
from benchmarks.report import Figures
from benchmarks.search.setting import Setting
from benchmarks.search.texts import USERS, Writer
from microblog_streams.domain.models import Post, User
from microblog_streams.search.documents import Kind, Write, post_write, user_write
from microblog_streams.search.engine import Json
from microblog_streams.search.engine_admin import IndexAdmin
from microblog_streams.search.rebuild import write_all

POSTS, QUICK_POSTS = 1_000_000, 50_000
#: Days over which the posts are spread.
DAYS: Final = 30
#: Documents of a request, and requests at a time.
_BULK, _AT_A_TIME = 1_000, 3
#: Within which the last merges end, and between two looks.
_MERGE_SECONDS, _LOOK_SECONDS = 120.0, 1.0


async def fill(at: Setting) -> Figures:
    """Write users and posts; return how long that took, and what the index takes on disk (bytes a document)."""
    writer, count = Writer(), int(os.environ.get("POSTS") or at.size(POSTS, QUICK_POSTS))
    await _write(at, "users written", _users(writer), USERS)
    await _refresh_every(at, "-1")
    with at.spent() as spent:
        await _write(at, "posts written", _posts(writer, count), count)
    await _refresh_every(at, "1s")
    await IndexAdmin(at.index).refresh(Kind.POSTS)
    await _merged(at)
    rate = count / spent["seconds"]
    return {
        "posts": count,
        "users": USERS,
        "posts per second": rate,
        "engine cpu us a post": spent["opensearch"] / count * 1e6,
    }


async def sizes(at: Setting) -> Figures:
    """Return the bytes of a document on disk, once segments are merged as far as the engine merges them by itself."""
    found = {}
    for kind in Kind:
        alias = at.index.alias(kind)
        stats = await at.engine.call(partial(_stats, alias), 60.0)
        total = stats["_all"]["primaries"]
        found[kind.value] = {
            "documents": total["docs"]["count"],
            "bytes": total["store"]["size_in_bytes"],
            "segments": total["segments"]["count"],
        }
    return found


async def _merged(at: Setting) -> None:
    """Wait until the engine merges no segments any more."""
    async with asyncio.timeout(_MERGE_SECONDS):
        while True:
            if not await _merges(at):
                return
            await asyncio.sleep(_LOOK_SECONDS)


async def _merges(at: Setting) -> int:
    stats = await at.engine.call(partial(_stats, at.index.alias(Kind.POSTS)), 60.0)
    return int(stats["_all"]["primaries"]["merges"]["current"])


async def _refresh_every(at: Setting, interval: str) -> None:
    body, alias = {"index": {"refresh_interval": interval}}, at.index.alias(Kind.POSTS)
    await at.engine.call(partial(_set, alias, body), 60.0)


async def _set(alias: str, body: Json, client: Any) -> Json:  # noqa: ANN401 - the client has no types
    answer: Json = await client.indices.put_settings(index=alias, body=body)
    return answer


async def _stats(alias: str, client: Any) -> Json:  # noqa: ANN401 - the client has no types
    found: Json = await client.indices.stats(index=alias)
    return found


def _users(writer: Writer) -> Iterator[Write]:
    now = datetime.now(UTC)
    for number, name in enumerate(writer.names, 1):
        yield user_write(User(number, name, now), followers=USERS // number)


def _posts(writer: Writer, count: int) -> Iterator[Write]:
    now, period = time.time() * 1_000, DAYS * 86_400_000
    for number in range(count):
        at = round(now - period + period * number / count)
        yield post_write(Post(_post_id(at, writer), writer.author(), writer.text()))


def _post_id(millis: int, writer: Writer) -> UUID:
    """Return a UUIDv7 of that time (RFC 9562, section 5.7)."""
    random = writer.chance.getrandbits
    return UUID(int=millis << 80 | 0x7 << 76 | random(12) << 64 | 0b10 << 62 | random(62))


async def _write(at: Setting, title: str, writes: Iterator[Write], count: int) -> None:
    done = 0
    with bar(at.on.stage.console, title, count) as report:

        async def one() -> None:
            nonlocal done
            while batch := list(islice(writes, _BULK)):
                await write_all(at.index.write, batch)
                done += len(batch)
                report(done, count)

        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_A_TIME):
                group.create_task(one())
