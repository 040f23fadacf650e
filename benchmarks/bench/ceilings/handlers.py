"""Bare aiohttp handlers: the same calls of the stores and the same bytes as an answer of ours, and nothing else.

    python -m benchmarks.bench.ceilings.handlers PORT PAGE

serves until it is ended. ``PAGE`` is a file with the JSON of a timeline's page. ``GET /timelines/{user}`` reads the
list, the bodies and the names as the API does and answers that page; ``POST /posts/`` produces the body as a record and
inserts a row. Nothing is checked or made into an object.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Final

import uvloop
from aiohttp import web as aiohttp_web
from aiokafka import AIOKafkaProducer
from redis.asyncio import Redis as Client

from benchmarks.bench.ceilings.topic import TOPIC, make_topic
from microblog_streams.config.settings import Settings, load_settings
from microblog_streams.domain.ids import encode_user, new_post_id
from microblog_streams.domain.models import Post
from microblog_streams.kafka.clients import client_options
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.posts import Posts
from microblog_streams.stores.redis.address import open_pool
from microblog_streams.stores.redis.connection import MAX_CONNECTIONS, Redis
from microblog_streams.stores.redis.timelines import UNREAD_MS, functions, key

#: Entries of a page and one more.
_LIMIT: Final = 21
_OLDER: Final = (b"", _LIMIT, UNREAD_MS)
_TAG: Final = 'W/"page"'


class Handlers:
    """The two handlers, on the bare clients of the stores."""

    def __init__(self, settings: Settings, page: bytes) -> None:
        """Prepare what does not differ from call to call."""
        self._settings, self._page = settings, page
        posts = json.loads(page)
        bodies = [f"post:{post['postId']}" for post in posts]
        self._shown = [*bodies, *(f"user:{user}" for user in {post["userId"] for post in posts})]
        self._store = Redis(settings)
        self._redis: Any = Client.from_pool(open_pool(settings, MAX_CONNECTIONS))
        self._functions = functions(self._store)
        self._producer = AIOKafkaProducer(acks="all", **client_options(settings))
        self._cassandra = Cassandra(settings)
        self._posts = Posts(self._cassandra)

    async def start(self) -> None:
        """Connect to all stores."""
        await self._store.connect()
        await make_topic(self._settings)
        await self._producer.start()
        await self._cassandra.connect()

    async def timeline(self, request: aiohttp_web.Request) -> aiohttp_web.Response:
        """Answer a read of the head, or a poll for newer entries."""
        user = int(request.match_info["user"])
        await self._functions.call("older", [key(user)], _OLDER)
        await self._redis.mget([f"user:{user}", *self._shown])
        if request.headers.get("If-None-Match") == _TAG:
            return aiohttp_web.Response(status=304, headers={"ETag": _TAG})
        return aiohttp_web.Response(body=self._page, content_type="application/json", headers={"ETag": _TAG})

    async def post(self, request: aiohttp_web.Request) -> aiohttp_web.Response:
        """Produce the body, insert a row, answer the body."""
        body = await request.read()
        author = int(json.loads(body)["userId"])
        await self._producer.send_and_wait(TOPIC, body, key=encode_user(author))
        await self._posts.put(Post(new_post_id(), author, body.decode()))
        return aiohttp_web.Response(body=body, status=201, content_type="application/json")


async def serve(port: int, page: bytes) -> None:
    """Serve until the process is ended."""
    handlers = Handlers(load_settings(), page)
    await handlers.start()
    app = aiohttp_web.Application()
    app.router.add_get("/timelines/{user}", handlers.timeline)
    app.router.add_post("/posts/", handlers.post)
    runner = aiohttp_web.AppRunner(app, access_log=None)
    await runner.setup()
    await aiohttp_web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(serve(int(sys.argv[1]), Path(sys.argv[2]).read_bytes()))
