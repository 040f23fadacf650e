"""The topics' names, which other systems read by."""

import pytest

from microblog_streams.domain import topics


def test_the_topics_are_these():
    assert topics.ALL == (
        "post.created",
        "post.deleted",
        "user.follow",
        "user.unfollow",
        "user.deleted",
        "dead.letters",
    )


@pytest.mark.parametrize(
    ("generation", "name"), [(1, "post.created"), (2, "post.created.g2"), (12, "post.created.g12")]
)
def test_a_generation_after_the_first_is_part_of_the_name(generation, name):
    assert topics.topic_name(topics.POST_CREATED, generation) == name


def test_no_two_topics_of_any_generations_share_a_name():
    names = [topics.topic_name(topic, generation) for topic in topics.SOURCES for generation in range(1, 20)]
    assert len({*names, topics.DEAD_LETTERS}) == len(names) + 1


@pytest.mark.parametrize("topic", topics.SOURCES)
@pytest.mark.parametrize("generation", [1, 2, 12])
def test_a_source_is_known_by_its_name_in_any_generation(topic, generation):
    assert topics.logical_name(topics.topic_name(topic, generation)) == topic


@pytest.mark.parametrize(
    "name", ["", ".g2", "post", "post.created.g", "post.created.gx", "post.created.g2.g3", "dead.letters"]
)
def test_other_names_are_no_source(name):
    assert topics.logical_name(name) is None


def test_dead_letters_stay_where_they_are():
    assert {topics.topic_name(topics.DEAD_LETTERS, generation) for generation in range(1, 20)} == {"dead.letters"}
