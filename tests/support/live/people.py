"""What people do, through any worker, one call after the other."""

import uuid
from typing import Any

from tests.support.live.worker import Worker


class People:
    """What people do, through any worker."""

    def register(self, worker: Worker) -> int:
        return self._ok(worker, 201, "POST", "/users/", {"username": f"t{uuid.uuid4().hex[:20]}"})["id"]

    def follow(self, worker: Worker, follower: int, followee: int) -> None:
        self._ok(worker, 200, "POST", f"/users/{follower}/follow/{followee}")

    def unfollow(self, worker: Worker, follower: int, followee: int) -> None:
        self._ok(worker, 200, "DELETE", f"/users/{follower}/follow/{followee}")

    def block(self, worker: Worker, blocker: int, blocked: int) -> None:
        self._ok(worker, 200, "POST", f"/users/{blocker}/block/{blocked}")

    def post(self, worker: Worker, author: int, content: str = "hello") -> str:
        return self._ok(worker, 201, "POST", "/posts/", {"userId": author, "content": content})["postId"]

    def timeline(self, worker: Worker, user: int) -> list[str]:
        """Return the post ids of a timeline's first page of 100."""
        return [post["postId"] for post in self._ok(worker, 200, "GET", f"/timelines/{user}?limit=100")]

    def delete(self, worker: Worker, path: str) -> None:
        self._ok(worker, 204, "DELETE", path)

    def _ok(self, worker: Worker, status: int, method: str, path: str, body: Any = None) -> Any:
        answer = worker.call(method, path, body)
        assert answer.status == status, f"{method} {path}: {answer}\n{worker.tail()}"
        return answer.body
