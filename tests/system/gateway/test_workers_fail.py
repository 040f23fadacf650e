"""Calls through the gateway while one of two workers is killed, stopped or frozen: none that may be repeated fails."""

import re
import signal
import threading
import uuid
from collections import Counter

import pytest

#: Calls of each thread before and after a worker fails.
CALLS = 20
#: A call that is repeated after a silence of nginx' 11 s takes longer than that.
TIMEOUT_SECONDS = 60.0


class Callers:
    """Threads that read and post through the gateway; each post has an Idempotency-Key of its own."""

    def __init__(self, front, author, reader):
        self.outcomes = Counter()
        self.posts = []
        self._front, self._author, self._reader = front, author, reader
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(4)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *raised):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def done(self):
        return self.outcomes.total()

    def _run(self):
        while not self._over.is_set():
            answer = self._call("GET", f"/timelines/{self._reader}")
            self.outcomes["read", answer.status] += 1
            key = uuid.uuid4().hex
            answer = self._call("POST", "/posts/", {"userId": self._author, "content": key}, key=key)
            self.outcomes["post", answer.status] += 1
            if answer.status == 201:
                self.posts.append(answer.body["postId"])

    def _call(self, *arguments, **options):
        return self._front.call(*arguments, timeout=TIMEOUT_SECONDS, **options)


def kill(worker):
    worker.kill()


def stop(worker):
    assert worker.stop() == 0


def freeze(worker):
    worker.process.send_signal(signal.SIGSTOP)


@pytest.mark.parametrize("fail", [kill, stop, freeze])
def test_no_call_that_may_be_repeated_fails_and_no_post_is_doubled(fail, pair, front, people, eventually, restart):
    author, reader = people.register(front), people.register(front)
    people.follow(front, reader, author)

    with Callers(front, author, reader) as callers:
        eventually(lambda: callers.done() >= CALLS, front)
        fail(pair[0])
        failed_at = callers.done()
        eventually(lambda: callers.done() >= failed_at + 5 * CALLS, front)
        if fail is freeze:
            pair[0].process.send_signal(signal.SIGCONT)
        else:
            restart(pair[0])
        eventually(pair[0].well, pair[0])
        back_at = callers.done()
        eventually(lambda: callers.done() >= back_at + CALLS, front)

    assert set(callers.outcomes) == {("read", 200), ("post", 201)}
    assert len(set(callers.posts)) == len(callers.posts)
    eventually(lambda: all_posts(front, reader) == sorted(callers.posts), *pair)


def all_posts(front, reader):
    """Return the ids of a timeline, over all its pages, sorted."""
    found, path = [], f"/timelines/{reader}?limit=100"
    while path:
        answer = front.call("GET", path)
        assert answer.status == 200, answer
        found += [post["postId"] for post in answer.body]
        following = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
        path = following and following[1]
    return sorted(found)
