"""A worker whose disk is full says so, stands still before rows that it cannot write, loses nothing, and goes on."""

import subprocess

import pytest

from microblog_streams.domain.topics import DEAD_LETTERS

#: Rows that outgrow the page which each database's log has left when the disk is full.
MANY = 120


class SmallDisk:
    """A file system of its own in memory, and a file that fills it."""

    def __init__(self, folder):
        self.folder = folder
        self.ballast = folder / "ballast"

    def fill(self):
        with self.ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            while True:
                file.write(bytes(1024**2))
        with self.ballast.open("ab", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            while True:
                file.write(bytes(4096))

    def free(self):
        self.ballast.unlink()


@pytest.fixture
def disk(tmp_path):
    command = ["mount", "-t", "tmpfs", "-o", "size=512m", "tmpfs", str(tmp_path)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a small file system can be mounted by root only")
    yield SmallDisk(tmp_path)
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.fixture
def worker(disk, workers, eventually):
    worker = workers().start(DATA_DIR=str(disk.folder))
    eventually(worker.well, worker)
    return worker


def problems(worker):
    return worker.call("GET", "/health").body["problems"]


def logged(worker, line):
    return worker.log.read_text().count(line)


@pytest.fixture
def crowd(disk, worker, people, kafka, eventually):
    """An author whose followers are more than a full disk takes rows of; some of their events wait; letters before."""
    letters = len(kafka.read(DEAD_LETTERS))
    ann, followers = people.register(worker), [people.register(worker) for _ in range(MANY)]
    disk.fill()
    for follower in followers:
        people.follow(worker, follower, ann)
    eventually(lambda: logged(worker, "disk is unavailable"), worker)
    return ann, followers, letters


def caught_up(people, worker, kafka, eventually, crowd):
    """Everything that was answered has taken effect, for everyone."""
    ann, followers, letters = crowd
    eventually(worker.well, worker)
    post = people.post(worker, ann)
    eventually(lambda: all(post in people.timeline(worker, follower) for follower in followers), worker)
    eventually(lambda: kafka.all_applied(worker), worker)
    assert len(kafka.read(DEAD_LETTERS)) == letters
    assert worker.call("GET", "/health").body["delivery"]["halted"] == {}


def test_follows_wait_for_free_disk_and_the_worker_reports_why(disk, worker, people, kafka, eventually, crowd):
    ready = worker.call("GET", "/ready")
    assert (ready.status, ready.body["detail"]) == (503, "the disk is full")
    assert "disk: it is full, the tables take no rows" in problems(worker)
    assert {topic for topic, _ in kafka.behind()} == {"user.follow"}
    assert logged(worker, "disk_full") == 1

    disk.free()
    caught_up(people, worker, kafka, eventually, crowd)
    eventually(lambda: problems(worker) == [], worker)  # a store that is busy for a second is one
    assert logged(worker, "disk_has_room") == 1


def test_a_killed_worker_waits_for_free_disk_before_it_opens_its_tables(disk, worker, people, kafka, eventually, crowd):
    worker.kill()
    worker.start(DATA_DIR=str(disk.folder))
    eventually(lambda: worker.call("GET", "/ready").status == 503, worker)
    eventually(lambda: worker.call("GET", "/health").status == 200, worker)
    assert worker.call("GET", "/ready").body["detail"] == "the disk is full"

    disk.free()
    caught_up(people, worker, kafka, eventually, crowd)
