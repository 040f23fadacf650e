"""People whose timelines are warm, a part that goes away, and calls that must be answered in time meanwhile."""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from redis import Redis

from microblog_streams.local.stack import Stack
from microblog_streams.stores.redis.timelines import key
from tests.support.live.people import People
from tests.support.live.worker import Answer, Worker

#: What ``/health`` calls a part where that is not its name.
STORES = {"valkey": "redis"}
#: Seconds within which everything is answered: one time-out of a store (4 s), and some for a busy machine. A page that
#: waits for each of its calls takes 28 s.
IN_TIME = 16.0


class World:
    """Ann and bob, who follows her; each has written a post, and everybody has seen it."""

    def __init__(self, way: str, stack: Stack, worker: Worker, people: People, eventually: Callable[..., None]) -> None:
        self.dead = way == "dead"
        self.stack = stack
        self.worker = worker
        self.people = people
        self.eventually = eventually
        self.recovers()
        self.ann, self.bob = people.register(worker), people.register(worker)
        self.follow(self.bob, self.ann)
        self.old = [self.post_in_the_end(self.ann), self.post_in_the_end(self.bob)]
        self.shows(self.bob, self.old)
        self.shows(self.ann, self.old[:1])

    @contextmanager
    def without(self, part: str) -> Iterator[None]:
        """Let a part be away, the way that this world is about."""
        (self.stack.kill if self.dead else self.stack.pause)(part)
        try:
            yield
            problems = self.answers(200, "GET", "/health").body["problems"]
            assert [problem for problem in problems if problem.startswith(f"{STORES.get(part, part)}: ")], problems
        finally:
            (self.stack.restart if self.dead else self.stack.resume)(part)

    def register(self) -> Any:
        return self.answers(201, "POST", "/users/", {"username": f"t{uuid.uuid4().hex[:20]}"}).body["id"]

    def follow(self, follower: int, followee: int) -> None:
        self.answers(200, "POST", f"/users/{follower}/follow/{followee}")

    def post(self, author: int) -> Any:
        return self.answers(201, "POST", "/posts/", {"userId": author, "content": "hello"}).body["postId"]

    def timeline(self, user: int) -> list[str]:
        return [post["postId"] for post in self.answers(200, "GET", f"/timelines/{user}").body]

    def answers(self, status: int, method: str, path: str, body: Any = None) -> Answer:
        """Call, and see that it is answered so, and in time."""
        begin = time.monotonic()
        answer = self.worker.call(method, path, body)
        taken = time.monotonic() - begin
        assert answer.status == status, f"{method} {path}: {answer} after {taken:.1f} s\n{self.worker.tail()}"
        assert taken < IN_TIME, f"{method} {path} took {taken:.1f} s\n{self.worker.tail()}"
        return answer

    def refuses(self, method: str, path: str, body: Any = None) -> str:
        """Call, and see that it is refused as what may pass; return why."""
        answer = self.answers(503, method, path, body)
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert int(answer.headers["Retry-After"]) > 0
        return str(answer.body["detail"])

    def refuses_a_post(self) -> str:
        return self.refuses("POST", "/posts/", {"userId": self.ann, "content": "hello"})

    def forget_timeline(self, user: int) -> None:
        """Let a timeline be cold. That of a new user is where Redis was late."""
        with Redis.from_url(self.stack.settings.redis_url.get_secret_value()) as redis:
            redis.delete(key(user))

    def at_once(self, count: int, call: Callable[[], Any]) -> None:
        """Do so many calls side by side: more than there are connections."""
        with ThreadPoolExecutor(count) as pool:
            for done in [pool.submit(call) for _ in range(count)]:
                done.result()

    def shows(self, user: int, posts: list[str]) -> None:
        """Wait until a user's timeline shows these posts, newest first."""
        expected = sorted(posts, reverse=True)
        self.eventually(lambda: self.shown(user) == expected, self.worker)

    def shown(self, user: int) -> list[str]:
        """Return a timeline's posts; none where it was cold and its rebuild outlasts the reader, who gets 503."""
        answer = self.worker.call("GET", f"/timelines/{user}?limit=100")
        return [post["postId"] for post in answer.body] if answer.status == 200 else []

    def recovers(self) -> None:
        """Wait until the worker has found everything again, and takes posts."""
        self.eventually(lambda: self.worker.call("GET", "/health").body["problems"] == [], self.worker)
        self.post_in_the_end(self.people.register(self.worker))

    def post_in_the_end(self, author: int) -> Any:
        """Post, again until it is taken: on a busy machine, a broker that came back may be away once more."""
        key, answers = uuid.uuid4().hex, []

        def taken() -> bool:
            answers.append(self.worker.call("POST", "/posts/", {"userId": author, "content": "hello"}, key=key))
            return answers[-1].status == 201

        self.eventually(taken, self.worker)
        return answers[-1].body["postId"]
