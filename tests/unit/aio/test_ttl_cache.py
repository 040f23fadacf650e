"""Answers that are kept for a while: no more than so many, for no longer than so long."""

import pytest

from microblog_streams.aio import ttl_cache
from microblog_streams.aio.ttl_cache import BoundedDict, Lookup, TtlCache


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(ttl_cache, "monotonic", lambda: now[0])
    return now


def test_an_answer_is_there_until_its_time_is_over_counted_from_the_question(clock):
    answers = TtlCache(2, 30)
    answers.put("a", 1, Lookup(99.0, 0))

    clock[0] = 128.9
    assert answers.get("a") == 1
    clock[0] = 129.0
    assert answers.get("a") is None


def test_looking_at_an_answer_makes_it_no_younger(clock):
    answers = TtlCache(2, 30)
    answers.put("a", 1, Lookup(100.0, 0))

    clock[0] = 129.0
    answers.get("a")
    clock[0] = 130.0

    assert answers.get("a") is None


def test_a_full_cache_evicts_the_least_recently_used(clock):
    answers = TtlCache(2, 30)
    answers.put("a", 1, Lookup(100.0, 0))
    answers.put("b", 2, Lookup(100.0, 0))
    answers.get("a")
    answers.put("c", 3, Lookup(100.0, 0))

    assert [answers.get(key) for key in "abc"] == [1, None, 3]


def test_answers_that_fit_are_dropped(clock):
    answers = TtlCache(3, 30)
    for number, key in enumerate("abc"):
        answers.put(key, number + 1, Lookup(100.0, 0))
    answers.invalidate(lambda value: value > 1)

    assert [answers.get(key) for key in "abc"] == [1, None, None]


def test_an_answer_that_was_on_its_way_while_others_were_dropped_is_not_kept(clock):
    answers = TtlCache(3, 30)
    before = answers.begin_lookup()
    answers.invalidate(lambda value: False)
    answers.put("a", 1, before)
    answers.put("b", 2, answers.begin_lookup())

    assert [answers.get(key) for key in "ab"] == [None, 2]


def test_a_bounded_dict_keeps_the_entries_that_were_set_last():
    kept = BoundedDict(2)
    for key in "abca":
        kept[key] = None

    assert list(kept) == ["c", "a"]
