"""The topics' names: a contract with other readers."""

import pytest

from microblog_streams.domain import topics


def test_the_logical_names_are_a_public_contract():
    assert topics.ALL == (
        "post.created",
        "post.deleted",
        "user.follow",
        "user.unfollow",
        "user.deleted",
        "user.changed",
        "user.created",
        "dead.letters",
    )


@pytest.mark.parametrize(
    ("generation", "name"), [(1, "post.created"), (2, "post.created.g2"), (12, "post.created.g12")]
)
def test_names_of_later_topic_sets_end_in_their_number(generation, name):
    assert topics.topic_name(topics.POST_CREATED, generation) == name


def test_names_of_all_topic_sets_differ():
    names = [topics.topic_name(topic, generation) for topic in topics.SOURCES for generation in range(1, 20)]
    assert len({*names, topics.DEAD_LETTERS}) == len(names) + 1


@pytest.mark.parametrize("topic", [*topics.SOURCES, *topics.REGISTRATIONS])
@pytest.mark.parametrize("generation", [1, 2, 12])
def test_the_logical_name_is_found_for_any_topic_set(topic, generation):
    assert topics.logical_name(topics.topic_name(topic, generation)) == topic


@pytest.mark.parametrize(
    "name", ["", ".g2", "post", "post.created.g", "post.created.gx", "post.created.g2.g3", "dead.letters"]
)
def test_other_topics_have_no_logical_name(name):
    assert topics.logical_name(name) is None


def test_dead_letters_have_one_topic_for_all_topic_sets():
    assert {topics.topic_name(topics.DEAD_LETTERS, generation) for generation in range(1, 20)} == {"dead.letters"}
