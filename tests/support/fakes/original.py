"""A server of the original contract: three services on ports of their own, ids that are numbers, nothing else of ours.

A registration is answered with an empty body: ids are in the list of users, which comes whole. A call without
``Content-Type: application/json`` is refused with 415, also a GET. A follow is answered before it has its effect, and
brings nothing that was posted by then; posts come to the timelines after they were answered. ``spoilt`` are status and
body in place of the right ones, by method and the path's first part. Posts that contain what is ``lost`` come to no
timeline.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

#: Seconds after which a follow has its effect, and a post is on the timelines.
LATE = 0.05


@dataclass
class Original:
    urls: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    followers: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    timelines: dict[int, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    posts: int = 0
    spoilt: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    lost: str | None = None

    async def register(self, request: web.Request) -> web.Response:
        self.people.append((await request.json())["username"])
        return web.Response(status=201)

    async def users(self, request: web.Request) -> web.Response:
        return web.json_response([{"id": number, "username": name} for number, name in enumerate(self.people, 1)])

    async def follow(self, request: web.Request) -> web.Response:
        follower, followee = int(request.match_info["follower"]), int(request.match_info["followee"])
        _later(self.followers[followee].add, follower)
        return web.Response()

    async def post(self, request: web.Request) -> web.Response:
        post = await request.json()
        self.posts += 1
        _later(self._deliver, {"id": self.posts, "userId": post["userId"], "content": post["content"]})
        return web.Response(status=201)

    def _deliver(self, post: dict[str, Any]) -> None:
        if self.lost is None or self.lost not in post["content"]:
            for follower in self.followers[post["userId"]]:
                self.timelines[follower].insert(0, post)

    async def timeline(self, request: web.Request) -> web.Response:
        reader, limit = int(request.match_info["reader"]), int(request.query["limit"])
        return web.json_response(self.timelines[reader][:limit])

    def service(self, routes: list[web.RouteDef]) -> TestServer:
        @web.middleware
        async def spoil(request: web.Request, handler: Any) -> web.StreamResponse:
            spoilt = self.spoilt.get((request.method, request.path.split("/")[1]))
            if spoilt is not None:
                return web.Response(status=spoilt[0], text=spoilt[1])
            if request.headers.get("Content-Type") != "application/json":
                return web.Response(status=415)
            return await handler(request)

        app = web.Application(middlewares=[spoil])
        app.add_routes(routes)
        return TestServer(app)


def _later(work: Any, *arguments: Any) -> None:
    asyncio.get_running_loop().call_later(LATE, work, *arguments)


@asynccontextmanager
async def original() -> AsyncIterator[Original]:
    """Serve inside the block."""
    server = Original()
    users = [
        web.post("/users/", server.register),
        web.get("/users/", server.users),
        web.post("/users/{follower}/follow/{followee}", server.follow),
    ]
    services = [users, [web.post("/posts/", server.post)], [web.get("/timelines/{reader}", server.timeline)]]
    running = [server.service(routes) for routes in services]
    for service in running:
        await service.start_server()
        server.urls.append(str(service.make_url("")).rstrip("/"))
    try:
        yield server
    finally:
        for service in running:
            await service.close()
