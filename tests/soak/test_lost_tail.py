"""Kafka comes back without the last records of a log, as after the crash of a machine that had the only copy.

What these records said is lost. What is answered after it is not, though it gets the offsets that they had.
"""

import struct

import pytest

from microblog_streams.domain.topics import POST_CREATED, changelog_name
from tests.support.live.kafka import Kafka
from tests.support.live.processes import make_workers, migrate_stack
from tests.support.live.stack import running_stack

POSTS = 20
#: A batch of records: its first offset, and the bytes that follow these twelve.
BATCH = struct.Struct(">qi")


@pytest.fixture(scope="module")
def alone():
    """A stack whose logs may be cut."""
    with running_stack() as stack:
        migrate_stack(stack)
        yield stack


@pytest.fixture
def worker(alone, eventually):
    """A worker that has started."""
    for make in make_workers(alone):
        worker = make().start()
        eventually(worker.well, worker)
        yield worker


@pytest.fixture
def kafka(alone):
    return Kafka(alone.environment["MICROBLOG_KAFKA_URL"])


def cut(stack, topic):
    """Kill the broker, remove the later half of each partition's batches, and start it again."""
    stack.stack.kill("kafka")
    logs = list((stack.stack.data_dir / "kafka" / "data").glob(f"{topic}-*/*.log"))
    removed = sum(_halve(log) for log in logs)
    stack.stack.restart("kafka")
    assert removed, logs


def _halve(log):
    data, places = log.read_bytes(), [0]
    while places[-1] < len(data):
        _, length = BATCH.unpack_from(data, places[-1])
        if not length:  # the file is longer than its log
            break
        places.append(places[-1] + BATCH.size + length)
    batches = len(places) - 1
    log.write_bytes(data[: places[batches // 2]])
    return batches - batches // 2


def followed(people, worker, count=POSTS):
    """Register an author and so many followers."""
    author = people.register(worker)
    readers = [people.register(worker) for _ in range(count)]
    for reader in readers:
        people.follow(worker, reader, author)
    return author, readers


def answered(worker, author):
    """Post once the worker takes posts again."""
    answer = worker.call("POST", "/posts/", {"userId": author, "content": "after"}, key="after")
    return answer.status in (200, 201) and answer.body["postId"]


def test_posts_that_take_the_offsets_of_lost_ones_are_delivered(alone, worker, people, kafka, eventually):
    author, (reader, *_) = followed(people, worker, 2)
    before = [people.post(worker, author) for _ in range(POSTS)]
    eventually(lambda: kafka.all_applied(worker), worker)

    cut(alone, POST_CREATED)
    eventually(lambda: answered(worker, author), worker)
    after = answered(worker, author)

    eventually(lambda: people.timeline(worker, reader) == [after, *reversed(before)], worker)
    assert "log_shortened" in worker.log.read_text()
    eventually(lambda: kafka.all_applied(worker), worker)


def test_a_worker_keeps_the_rows_that_its_changelog_has_lost(alone, worker, people, kafka, eventually):
    author, readers = followed(people, worker)
    eventually(lambda: kafka.all_applied(worker), worker)
    worker.stop()

    cut(alone, changelog_name(1))
    worker.start()
    eventually(worker.well, worker)
    post = people.post(worker, author)

    eventually(lambda: all(people.timeline(worker, reader) == [post] for reader in readers), worker)
    assert "changelog_shortened" in worker.log.read_text()
