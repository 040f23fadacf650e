"""What a worker keeps of what the others announce."""

from redis.exceptions import ResponseError

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.services import periodic_tasks as presence_module
from microblog_streams.services.periodic_tasks import WorkerPresence
from microblog_streams.stores.redis.worker_registry import Worker
from tests.support.waiting import until


class Board:
    """A worker registry in memory."""

    def __init__(self):
        self.announced = {}
        self.away = False
        self.refuses = False
        self.asked = 0

    async def announce(self, worker, ttl):
        self.asked += 1
        self._answer()
        self.announced[worker.name] = worker

    async def withdraw(self, name):
        self._answer()
        self.announced.pop(name, None)

    def _answer(self):
        if self.away:
            raise StoreUnavailable("redis", "the test says so")
        if self.refuses:
            raise ResponseError("NOPERM this user has no permissions to run the 'zadd' command")

    async def workers(self):
        return list(self.announced.values())


def worker(name, *partitions):
    return Worker(name, f"http://{name}", "both", partitions)


async def test_the_owner_of_a_partition_is_who_announces_it():
    board = Board()
    board.announced["other"] = worker("other", 0, 1)
    presence = WorkerPresence(board, lambda: worker("me", 2, 3))
    async with presence:
        await until(lambda: presence.workers)
        assert presence.owner(1).name == "other"
        assert presence.owner(2).name == "me"
        assert presence.owner(4) is None
    assert set(board.announced) == {"other"}


async def test_what_was_heard_last_is_kept_while_redis_is_away():
    board = Board()
    presence = WorkerPresence(board, lambda: worker("me", 7))
    async with presence:
        await until(lambda: presence.workers)
        board.away = True
        assert presence.owner(7).name == "me"


async def test_a_refusal_of_redis_ends_no_worker(monkeypatch, caplog):
    """Every worker has the same login, so all would end at once."""
    monkeypatch.setattr(presence_module, "ANNOUNCE_SECONDS", 0.01)
    board, mine = Board(), [7]
    board.refuses = True
    presence = WorkerPresence(board, lambda: worker("me", *mine))
    async with presence:
        await until(lambda: board.asked > 2)
        assert "presence_unknown" in caplog.text
        board.refuses = False
        await until(lambda: presence.owner(7))
        board.refuses = True


async def test_other_partitions_are_announced_at_once(monkeypatch):
    """Who looks a row up right after a rebalance asks the right worker."""
    monkeypatch.setattr(presence_module, "ANNOUNCE_SECONDS", 3_600)
    board, mine = Board(), [7]
    presence = WorkerPresence(board, lambda: worker("me", *mine))
    async with presence:
        await until(lambda: presence.owner(7))
        mine.append(8)
        presence.changed()
        await until(lambda: presence.owner(8))
