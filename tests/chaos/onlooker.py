"""A user who goes on while a part is away, and sees errors only where that part is needed."""

import time
from collections.abc import Callable
from typing import Any

from tests.chaos.lasting import TIMEOUT_FACTOR
from tests.chaos.scene import DEADLINE, Scene
from tests.support.live.worker import Answer, Worker

#: Seconds within which everything is answered while a part is away: two time-outs of a store, and a busy machine.
IN_TIME = 6.0 * TIMEOUT_FACTOR
#: Posts of a page.
PAGE = 100
#: Seconds before another try at most, whatever the answer says.
LONGEST_PAUSE = 2.0


class Onlooker:
    """Two of their own: ann, who has posted, and bob, who follows her and has read it. The load never touches them."""

    def __init__(self, scene: Scene, worker: Worker | None = None, tries: int = 1) -> None:
        """Register both at a worker, which is called from then on.

        What must be answered well is tried so often where it is told to come back: a busy machine does that, too.
        """
        self.worker = worker or scene.workers[0]
        self._eventually: Callable[..., None] = scene.eventually
        self._tries = tries
        self.posts: list[str] = []
        self.ann, self.bob = self._registered(), self._registered()
        self.answers(200, "POST", f"/users/{self.bob}/follow/{self.ann}")
        self.posts_on()
        self.sees_everything()

    def posts_on(self) -> None:
        """Ann posts."""
        post = self.answers(201, "POST", "/posts/", {"userId": self.ann, "content": "hello"})["postId"]
        self.posts.append(post)

    def reads_on(self) -> None:
        """Bob's timeline answers."""
        self.answers(200, "GET", f"/timelines/{self.bob}")

    def reads_everything(self) -> None:
        """Bob's timeline has all that ann posted, at once."""
        page = self.answers(200, "GET", f"/timelines/{self.bob}?limit={PAGE}")
        # A try without a known outcome may be there, too.
        seen = [post["postId"] for post in page if self._tries == 1 or post["postId"] in self.posts]
        assert seen == self.posts[::-1][: len(seen) or 1]
        assert len(page) == PAGE or len(seen) == len(self.posts)

    def follows_on(self) -> None:
        """Ann follows bob, or once more."""
        self.answers(200, "POST", f"/users/{self.ann}/follow/{self.bob}")

    def registers_and_follows(self) -> None:
        """Register a new user, who follows ann."""
        self.answers(200, "POST", f"/users/{self._registered()}/follow/{self.ann}")

    def is_refused(self, method: str, path: str, body: Any = None) -> None:
        """A call is answered with 503 and when to come back."""
        answer = self._in_time(method, path, body)
        assert answer.status == 503, f"{method} {path}: {answer}\n{self.worker.tail()}"
        assert int(answer.headers["Retry-After"]) > 0

    def is_refused_posts(self) -> None:
        """Ann cannot post."""
        self.is_refused("POST", "/posts/", {"userId": self.ann, "content": "refused"})

    def is_refused_follows(self) -> None:
        """No user can register or follow."""
        self.is_refused("POST", "/users/", {"username": "nobody"})
        self.is_refused("POST", f"/users/{self.ann}/follow/{self.bob}")

    def is_always_answered(self) -> None:
        """A read, a post and a follow work or are refused as what may pass."""
        self.is_told_something("GET", f"/timelines/{self.bob}")
        self.is_told_something("POST", "/posts/", {"userId": self.ann, "content": "answered"})
        self.is_told_something("POST", f"/users/{self.ann}/follow/{self.bob}")

    def is_told_something(self, method: str, path: str, body: Any = None) -> None:
        """A call works or is refused as what may pass; it is never left without an answer, and never broken."""
        answer = self._in_time(method, path, body)
        assert answer.status in (200, 201, 503), f"{method} {path}: {answer}\n{self.worker.tail()}"
        if answer.status == 503:
            assert int(answer.headers["Retry-After"]) > 0

    def sees_everything(self) -> None:
        """Wait until bob's timeline has all that ann's posts were acknowledged of."""
        self._eventually(self._everything_seen, self.worker, seconds=DEADLINE)

    def answers(self, status: int, method: str, path: str, body: Any = None) -> Any:
        """Call, and see that it is answered so, and in time; return the body."""
        answer = self._in_time(method, path, body)
        for _ in range(self._tries - 1):
            if answer.status == 503:
                time.sleep(min(float(answer.headers["Retry-After"]), LONGEST_PAUSE))
                answer = self._in_time(method, path, body)
        assert answer.status == status, f"{method} {path}: {answer}\n{self.worker.tail()}"
        return answer.body

    def _registered(self) -> int:
        return int(self.answers(201, "POST", "/users/", {"username": f"o{time.time_ns()}"})["id"])

    def _everything_seen(self) -> bool:
        """Return whether the newest page lacks none of the posts; it may have others, of which no answer came."""
        answer = self.worker.call("GET", f"/timelines/{self.bob}?limit={PAGE}")
        page = [post["postId"] for post in answer.body] if answer.status == 200 else []
        oldest = page[-1] if len(page) == PAGE else ""
        return {post for post in self.posts if post >= oldest} <= set(page)

    def _in_time(self, method: str, path: str, body: Any) -> Answer:
        begun = time.monotonic()
        answer = self.worker.call(method, path, body, timeout=2 * IN_TIME)
        taken = time.monotonic() - begun
        assert taken < IN_TIME, f"{method} {path} took {taken:.1f} s: {answer}\n{self.worker.tail()}"
        return answer
