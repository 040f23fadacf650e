"""Every definition follows Prometheus' conventions of names, and has a place in docs/metrics.md."""

import re

import pytest

from microblog_streams.metrics import definitions as metrics
from microblog_streams.metrics.definitions import CHAPTERS, Definition, Kind

DEFINED = [each for each in vars(metrics).values() if isinstance(each, Definition)]
#: Labels whose values would be as many as there are users, posts or clients.
UNBOUNDED = {"user", "username", "post", "author", "follower", "path", "url", "address", "token"}


@pytest.mark.parametrize("definition", DEFINED, ids=lambda each: each.name)
def test_a_name_says_what_it_is_of(definition):
    assert re.fullmatch(r"microblog(_[a-z]+)+", definition.name)
    assert definition.name.endswith("_total") == (definition.kind is Kind.COUNTER)
    assert (definition.unit == "seconds") == ("_seconds" in definition.name)
    assert (definition.unit == "bytes") == ("_bytes" in definition.name)


@pytest.mark.parametrize("definition", DEFINED, ids=lambda each: each.name)
def test_a_definition_says_what_it_means_without_unbounded_labels(definition):
    assert definition.meaning
    assert definition.unit
    assert bool(definition.bounds) == (definition.kind is Kind.HISTOGRAM)
    assert not UNBOUNDED & set(definition.labels)


def test_each_definition_is_in_one_chapter():
    listed = [each.name for chapter in CHAPTERS.values() for each in chapter]
    assert sorted(listed) == sorted(each.name for each in DEFINED)
    assert len(set(listed)) == len(listed)
