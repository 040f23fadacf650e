"""What a worker cannot bring about as it is: its partition stands still with an alert, and the fixed worker goes on.

Nothing behind it is acknowledged meanwhile, and other partitions go on.
"""

import json
from datetime import UTC, datetime

import pytest

from microblog_streams.domain.events import PostCreated
from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.topics import DEAD_LETTERS, POST_CREATED
from tests.support.live.command import run_command
from tests.support.live.faulty import BROKEN


@pytest.fixture
def run(workers, eventually):
    """Runs a worker with the code of this module, in place of the one that ran before.

    Its session outlasts a machine that is busy elsewhere: in another generation it would try, and halt, once more.
    """
    worker = workers()

    def start(app, **settings):
        if worker.process is not None:
            assert worker.stop() == 0, worker.tail()
        worker.app = app
        eventually(worker.start(SESSION_TIMEOUT="60", **settings).well, worker)
        return worker

    return start


@pytest.fixture
def pair(people, eventually):
    """Makes an author and a follower, whose timeline is not cold: a rebuild shows posts that wait for their fan-out."""

    def make(worker):
        ann, bob = people.register(worker), people.register(worker)
        eventually(lambda: worker.call("GET", f"/timelines/{bob}").status == 200, worker)
        people.follow(worker, bob, ann)
        return ann, bob

    return make


def alerts(worker):
    return [problem for problem in worker.call("GET", "/health").body["problems"] if "halted" in problem]


def waiting(kafka):
    """Return how many events are not acknowledged, of each partition that has such, with its topic."""
    return [(topic, end - committed) for (topic, _), (committed, end) in kafka.behind().items()]


def test_a_post_of_a_newer_schema_waits_for_the_upgrade(run, pair, people, kafka, eventually):
    worker = run("tests.support.live.probe")
    ann, bob = pair(worker)
    eventually(lambda: kafka.all_applied(worker), worker)
    letters = len(kafka.read(DEAD_LETTERS))
    event = PostCreated(post_id=new_post_id(), user_id=ann, content="newer", created_at=datetime.now(UTC))
    value = json.dumps({**json.loads(event.encode()), "mood": "good"}).encode()
    place = kafka.publish(POST_CREATED, event.key, value, headers=[("schema", b"2")])
    behind = people.post(worker, ann)

    eventually(lambda: alerts(worker), worker)
    (alert,) = alerts(worker)
    halt = f"partition {POST_CREATED}-{place.partition} halted: offset {place.offset}"
    assert alert == f"{halt}: UnknownSchema: schema 2 is newer than 1, which this worker knows"
    assert people.timeline(worker, bob) == []
    both = {(POST_CREATED, place.partition): (place.offset, place.offset + 2)}
    eventually(lambda: kafka.behind() == both, worker)

    worker = run("tests.support.live.upgraded")
    eventually(lambda: people.timeline(worker, bob) == [behind, str(event.post_id)], worker)
    eventually(lambda: kafka.all_applied(worker), worker)
    assert alerts(worker) == []
    assert len(kafka.read(DEAD_LETTERS)) == letters


def test_a_defect_in_an_effect_halts_its_partition_after_five_tries(run, pair, people, kafka, eventually):
    worker = run("tests.support.live.faulty")
    ann, bob = pair(worker)
    eventually(lambda: kafka.all_applied(worker), worker)
    failing, behind = people.post(worker, ann, BROKEN), people.post(worker, ann)

    eventually(lambda: alerts(worker), worker)
    assert "ValueError: the defect" in alerts(worker)[0]
    eventually(lambda: waiting(kafka) == [(POST_CREATED, 2)], worker)
    # The one behind has arrived if it was read before the halt.
    assert people.timeline(worker, bob) in ([], [behind])
    assert worker.log.read_text().count("effect_failed") == 5

    worker = run("tests.support.live.probe")
    eventually(lambda: people.timeline(worker, bob) == [behind, failing], worker)
    eventually(lambda: kafka.all_applied(worker), worker)
    assert alerts(worker) == []


def test_it_becomes_a_dead_letter_where_the_setting_says_so(run, pair, people, kafka, eventually, migrated):
    assert run_command(migrated.environment, "dead-letters", "discard", "--all", "--yes").status == 0
    worker = run("tests.support.live.faulty", ON_FAILURE="dead-letter")
    ann, bob = pair(worker)
    eventually(lambda: kafka.all_applied(worker), worker)
    failing, behind = people.post(worker, ann, BROKEN), people.post(worker, ann)
    eventually(lambda: people.timeline(worker, bob) == [behind], worker)
    eventually(lambda: kafka.all_applied(worker), worker)
    letters = [dict(letter.headers) for letter in kafka.read(DEAD_LETTERS)]
    written = [letter["offset"] for letter in letters if letter["error"] == b"ValueError: the defect"]
    assert len(set(written)) == 1  # one event; a broker that confirms too late is given its letter once more
    assert alerts(worker) == []

    worker = run("tests.support.live.probe")
    replayed = run_command(migrated.environment, "dead-letters", "replay", "--all").said
    assert replayed.startswith(f"{len(written)} replayed".encode())
    eventually(lambda: people.timeline(worker, bob) == [behind, failing], worker)
