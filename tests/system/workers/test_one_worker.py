"""One worker on the real parts: what people do shows on their timelines, and outlives the worker."""

import json
import select
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from microblog_streams.domain.events import PostCreated
from microblog_streams.domain.ids import encode_user, new_post_id
from microblog_streams.domain.topics import DEAD_LETTERS, POST_CREATED
from tests.support.waiting import DEADLINE_SECONDS

#: More than the 4,096 events that Faust's stream buffers hold.
BACKLOG = 4_500
#: Seconds that Kubernetes gives to a stop.
GRACE_SECONDS = 30
#: Seconds for which finished events are held: a busy machine takes some until a test has seen that they are.
HOLD_SECONDS = 10
#: Seconds that a slow client has: meanwhile a busy machine must have served others.
HEAD_SECONDS = 15


@pytest.fixture(scope="module")
def worker(module_workers, eventually):
    limits = {"HEAD_TIMEOUT": str(HEAD_SECONDS), "MAX_CONNECTIONS_PER_ADDRESS": "60"}
    worker = module_workers().start(ACK_HOLD=str(HOLD_SECONDS), **limits)
    eventually(worker.well, worker)
    return worker


def test_a_post_reaches_the_author_and_the_followers(worker, people, eventually):
    ann, bob, cleo = (people.register(worker) for _ in range(3))
    people.follow(worker, bob, ann)
    post = people.post(worker, ann)
    assert people.timeline(worker, ann) == [post]
    eventually(lambda: people.timeline(worker, bob) == [post], worker)
    assert people.timeline(worker, cleo) == []


def test_a_worker_that_is_open_to_all_says_so(worker):
    assert "open_to_all" in worker.log.read_text()


def test_the_holder_of_the_token_can_scrape_the_numbers(worker, eventually):
    def lines():
        return worker.call("GET", "/metrics").body.splitlines()

    assert "microblog_ready 1.0" in lines()
    eventually(lambda: 'microblog_store_up{store="cassandra"} 1.0' in lines(), worker)  # by a ping within a second
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines())


def test_slow_clients_are_cut_off_and_greedy_ones_refused_while_others_are_served(worker, people):
    with ExitStack() as stack:
        slow = [stack.enter_context(_connection(worker)) for _ in range(50)]
        for connection in slow:
            connection.sendall(b"GET /users/ HTTP/1.1\r\nHos")
        ann = people.register(worker)
        post = people.post(worker, ann)
        assert people.timeline(worker, ann) == [post]
        assert select.select(slow, [], [], 0)[0] == [], "the slow ones were cut off before the others were served"
        greedy = [stack.enter_context(_connection(worker)) for _ in range(20)]
        greedy[-1].sendall(b"GET /users/ HTTP/1.1\r\nHost: a\r\n\r\n")  # who asks nothing is told nothing
        assert b" 503 " in _first_line(greedy[-1])
        assert {_first_line(connection) for connection in slow} == {b"HTTP/1.1 408 Request Timeout"}
    lines = worker.call("GET", "/metrics").body.splitlines()
    cut = next(line for line in lines if line.startswith('microblog_connections_cut_total{reason="head"}'))
    assert float(cut.split()[-1]) >= 50


def test_malformed_http_is_refused_and_the_worker_goes_on(worker):
    with _connection(worker) as malformed, _connection(worker) as long:
        malformed.sendall(b"GET /users/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")
        assert b" 400 " in _first_line(malformed)
        long.sendall(b"GET /" + b"x" * 100_000)
        assert b" 414 " in _first_line(long)
    assert worker.call("GET", "/ready").status == 200


def _connection(worker):
    return socket.create_connection(("127.0.0.1", worker.port), timeout=DEADLINE_SECONDS)


def _first_line(connection):
    return connection.recv(65_536).partition(b"\r\n")[0]


def test_a_follow_brings_earlier_posts_and_an_unfollow_takes_them_away(worker, people, eventually):
    ann, bob = people.register(worker), people.register(worker)
    posts = [people.post(worker, ann, f"post {number}") for number in range(3)]
    own = people.post(worker, bob)
    people.follow(worker, bob, ann)
    eventually(lambda: people.timeline(worker, bob) == [own, *reversed(posts)], worker)
    people.unfollow(worker, bob, ann)
    eventually(lambda: people.timeline(worker, bob) == [own], worker)
    people.follow(worker, bob, ann)
    eventually(lambda: people.timeline(worker, bob) == [own, *reversed(posts)], worker)


def test_a_block_removes_the_posts_of_both_and_refuses_follows(worker, people, eventually):
    ann, bob, cleo = (people.register(worker) for _ in range(3))
    for follower, followee in ((ann, bob), (bob, ann), (cleo, bob)):
        people.follow(worker, follower, followee)
    of_ann, of_bob = people.post(worker, ann), people.post(worker, bob)
    for follower in (ann, bob):
        eventually(lambda follower=follower: people.timeline(worker, follower) == [of_bob, of_ann], worker)
    people.block(worker, ann, bob)
    eventually(lambda: people.timeline(worker, ann) == [of_ann], worker)
    eventually(lambda: people.timeline(worker, bob) == [of_bob], worker)
    for follower, followee in ((ann, bob), (bob, ann)):
        assert worker.call("POST", f"/users/{follower}/follow/{followee}").status == 403
    later = people.post(worker, bob)
    eventually(lambda: people.timeline(worker, cleo) == [later, of_bob], worker)
    assert people.timeline(worker, ann) == [of_ann]


def test_deleted_posts_and_users_are_gone_everywhere(worker, people, eventually):
    ann, bob, cleo = (people.register(worker) for _ in range(3))
    people.follow(worker, cleo, ann)
    people.follow(worker, cleo, bob)
    kept, deleted = people.post(worker, ann), people.post(worker, ann)
    of_bob = people.post(worker, bob)
    eventually(lambda: people.timeline(worker, cleo) == [of_bob, deleted, kept], worker)
    people.delete(worker, f"/posts/{deleted}")
    people.delete(worker, f"/users/{bob}")
    assert people.timeline(worker, cleo) == [kept]
    assert worker.call("GET", f"/posts/{deleted}").status == 404
    assert worker.call("GET", f"/users/{bob}").status == 404


def test_a_record_that_is_not_valid_becomes_a_dead_letter_and_the_partition_goes_on(worker, people, kafka, eventually):
    ann, bob = people.register(worker), people.register(worker)
    people.follow(worker, bob, ann)
    key = encode_user(ann)
    places = [kafka.publish(POST_CREATED, key, value) for value in (b"not json", b'{"userId": 1}', None)]
    post = people.post(worker, ann)
    eventually(lambda: people.timeline(worker, bob) == [post], worker)
    offsets = [place.offset for place in places]
    eventually(lambda: sorted(_letters(kafka, key)) == offsets, worker)

    letters = _letters(kafka, key)
    for place in places:
        _, headers = letters[place.offset]
        assert headers["topic"] == POST_CREATED
        assert headers["partition"] == str(place.partition)
        assert headers["error"].startswith("UndecodableEvent: ")
    assert [letters[place.offset][0].value for place in places] == [b"not json", b'{"userId": 1}', b""]


def _letters(kafka, key):
    """Return the letters with this key and their headers, by the offsets that they had."""
    records = [record for record in kafka.read(DEAD_LETTERS) if record.key == key]
    found = [(record, {name: value.decode() for name, value in record.headers}) for record in records]
    return {json.loads(headers["offset"]): (record, headers) for record, headers in found}


def test_sigterm_ends_in_good_time_with_everything_committed_and_a_restart_keeps_it(worker, people, kafka, eventually):
    ann = people.register(worker)
    followers = [people.register(worker) for _ in range(5)]
    for follower in followers:
        people.follow(worker, follower, ann)
    with ThreadPoolExecutor(8) as pool:
        posts = set(pool.map(lambda number: people.post(worker, ann, f"post {number}"), range(60)))
    eventually(lambda: all(set(people.timeline(worker, follower)) == posts for follower in followers), worker)
    assert worker.probe()["unacked"]  # finished, and held

    begin = time.monotonic()
    assert worker.stop() == 0, worker.tail()
    assert time.monotonic() - begin < GRACE_SECONDS, worker.tail()
    assert kafka.behind() == {}

    worker.start()
    eventually(worker.well, worker)
    for follower in followers:
        assert set(people.timeline(worker, follower)) == posts
    again = people.post(worker, ann)
    eventually(lambda: all(again in people.timeline(worker, follower) for follower in followers), worker)


def test_a_backlog_larger_than_all_buffers_is_delivered_in_order(worker, people, kafka, eventually):
    ann, bob = people.register(worker), people.register(worker)
    people.follow(worker, bob, ann)
    eventually(lambda: kafka.all_applied(worker), worker)
    assert worker.stop() == 0
    posts = [
        PostCreated(post_id=new_post_id(), user_id=ann, content="late", created_at=datetime.now(UTC))
        for _ in range(BACKLOG)
    ]
    kafka.publish_all(POST_CREATED, posts)
    worker.start(UNACKED="2000")
    newest = [str(post.post_id) for post in reversed(posts[-100:])]
    eventually(lambda: worker.well() and people.timeline(worker, bob) == newest, worker)
    eventually(lambda: kafka.all_applied(worker), worker)
    assert "events_skipped" not in worker.log.read_text()
