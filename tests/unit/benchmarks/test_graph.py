"""The demo's own view of the graph: read from the file, and the draw of authors."""

import gzip

import pytest

from benchmarks.graph import Graph, choose_authors, read


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "graph.txt.gz"
    path.write_bytes(gzip.compress(b"# a comment\n1\t2\n3 2\n2 1\n4 1\n"))
    return path


@pytest.fixture
def star():
    """Everybody follows 0, and each the next one."""
    return Graph.of([(person, 0) for person in range(1, 50)] + [(person, person + 1) for person in range(1, 49)])


def test_a_line_says_that_the_first_follows_the_second(file):
    graph = read(file)
    assert graph.followees == {1: {2}, 2: {1}, 3: {2}, 4: {1}}
    assert graph.followers == {1: {2, 4}, 2: {1, 3}, 3: set(), 4: set()}
    assert (graph.people, graph.follows) == ([1, 2, 3, 4], 4)


def test_a_fraction_keeps_those_with_the_lowest_numbers(file):
    graph = read(file, 0.75)
    assert graph.followees == {1: {2}, 2: {1}, 3: {2}}


def test_people_get_their_ids(file):
    graph = read(file).renamed({1: 10, 2: 20, 3: 30, 4: 40})
    assert graph.followees == {10: {20}, 20: {10}, 30: {20}, 40: {10}}


def test_a_person_without_an_id_is_an_error(file):
    with pytest.raises(KeyError):
        read(file).renamed({1: 10, 2: 20, 3: 30})


def test_the_most_followed_come_first(star):
    assert choose_authors(star, 1, 0, seed=1) == [0]
    assert star.by_followers[:3] == [0, 2, 3]


def test_authors_are_drawn_once_each_and_alike_for_a_seed(star):
    authors = choose_authors(star, 1, 20, seed=7)
    assert len(set(authors)) == 21
    assert authors == choose_authors(star, 1, 20, seed=7)
    assert authors != choose_authors(star, 1, 20, seed=8)


def test_no_author_without_followers_is_chosen(star):
    assert 1 not in choose_authors(star, 0, 48, seed=1)
