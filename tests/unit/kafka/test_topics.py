"""What Kafka must have before a worker starts."""

import pytest

from microblog_streams.domain.errors import SetupError
from microblog_streams.kafka.topics import check_topics


def test_a_topic_that_is_missing_is_named_with_what_to_do():
    with pytest.raises(SetupError, match="topic b is missing: run"):
        check_topics({"a": 8, "b": 0}, {"a": 8, "b": 8})


def test_another_number_of_partitions_is_refused():
    with pytest.raises(SetupError, match=r"topic a has 4 partitions.* 8"):
        check_topics({"a": 4}, {"a": 8})


def test_where_no_number_is_asked_for_any_will_do():
    check_topics({"a": 4, "b": 8}, {"a": None, "b": 8})
    with pytest.raises(SetupError, match="topic a is missing"):
        check_topics({"a": 0}, {"a": None})
