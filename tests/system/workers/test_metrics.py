"""The metrics of a real worker: all that are documented are there, and more users make no more of them."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from microblog_streams.metrics.definitions import CHAPTERS

#: Those of the workers; the search indexer is a process of its own.
DEFINED = {each.name for title, chapter in CHAPTERS.items() if title != "The search indexer" for each in chapter}
#: Those whose labels name what went wrong: without a failure there is no series, only the name with its type.
OF_FAILURES = {"microblog_lane_halted", "microblog_effects_retried_total", "microblog_store_errors_total"}


@pytest.fixture(scope="module")
def worker(module_workers, eventually):
    """A worker on which a post was delivered and a timeline read, behind no token but for other addresses."""
    worker = module_workers().start()
    eventually(worker.well, worker)
    return worker


@pytest.fixture(scope="module")
def loaded(worker, people, eventually):
    act(worker, people, eventually)
    return worker


def act(worker, people, eventually):
    """Have two users, a follow, a post and its delivery, and a page that is not there."""
    ann, bob = (people.register(worker) for _ in range(2))
    people.follow(worker, bob, ann)
    post = people.post(worker, ann)
    eventually(lambda: people.timeline(worker, bob) == [post], worker)
    worker.call("GET", f"/nothing/{post}")


def samples(worker):
    """Return the samples of a scrape without a token, by name and labels."""
    answer = worker.call("GET", "/metrics", token="")
    assert answer.status == 200, answer
    families = text_string_to_metric_families(answer.body)
    return {(each.name, *sorted(each.labels.items())): each.value for family in families for each in family.samples}


def total(worker, name):
    """Return the sum of a metric's samples."""
    return sum(value for (found, *_), value in samples(worker).items() if found == name)


def test_every_documented_metric_is_there_after_some_load(loaded, eventually):
    def missing():
        found = {name for name, *_ in samples(loaded)}
        shown = {name for name in DEFINED if name in found or f"{name}_bucket" in found}
        return DEFINED - OF_FAILURES - shown

    eventually(lambda: not missing(), loaded)
    page = loaded.call("GET", "/metrics", token="").body
    assert all(f"# TYPE {name} " in page for name in OF_FAILURES)


def test_it_has_the_process_and_its_garbage_collection(loaded):
    names = {name for name, *_ in samples(loaded)}
    assert {"process_resident_memory_bytes", "python_gc_collections_total"} <= names


def test_a_post_shows_in_the_numbers_of_its_delivery(loaded, people, eventually):
    before = samples(loaded)
    act(loaded, people, eventually)

    def grown(name):
        return total(loaded, name) - sum(value for (found, *_), value in before.items() if found == name)

    # Each is counted a moment after what it counts, those of the post before perhaps only now.
    eventually(lambda: grown("microblog_delivery_seconds_count") >= 1, loaded)
    eventually(lambda: grown("microblog_fan_out_followers_sum") >= 1, loaded)
    eventually(lambda: grown("microblog_pushes_total") >= 3, loaded)
    eventually(lambda: grown("microblog_timeline_reads_total") >= 1, loaded)


def test_what_is_applied_is_committed_and_the_numbers_say_so(loaded, eventually):
    eventually(lambda: total(loaded, "microblog_consumer_lag_records") == 0, loaded)
    eventually(lambda: total(loaded, "microblog_commit_age_seconds") == 0, loaded)
    eventually(lambda: total(loaded, "microblog_events_unacked") == 0, loaded)


def test_more_users_make_no_more_series(loaded, people, eventually):
    act(loaded, people, eventually)
    few = samples(loaded).keys()
    for _ in range(10):
        act(loaded, people, eventually)
    more = {name for name, *_ in samples(loaded).keys() - few}
    # An operation of a store has its series from its first call on; the work of once a minute may have come between.
    assert more <= {f"microblog_store_call_seconds_{end}" for end in ("bucket", "count", "sum")}
