"""What the demo calls right and wrong."""

import pytest

from benchmarks.expectation import Item, Verdict, expected
from benchmarks.graph import Graph

GRAPH = Graph.of([(1, 2), (1, 3), (4, 3)])
POSTS = {author: [Item(f"0{number}", author, "text")] for number, author in enumerate((3, 1, 2), 1)}
BY_3, BY_1, BY_2 = (POSTS[author][0] for author in (3, 1, 2))
WANTED = [BY_2, BY_1, BY_3]


def counts(wanted, found):
    verdict = Verdict()
    verdict.add("user 1", wanted, found)
    assert bool(verdict.told) is not verdict.good
    return verdict.missing, verdict.doubled, verdict.stray, verdict.misplaced


def test_a_timeline_has_what_its_owner_and_their_followees_wrote_newest_first():
    assert expected(GRAPH, POSTS, 1) == WANTED
    assert expected(GRAPH, POSTS, 2) == [BY_2]
    assert expected(GRAPH, POSTS, 4) == [BY_3]


@pytest.mark.parametrize(
    ("found", "faults"),
    [
        (WANTED, (0, 0, 0, 0)),
        ([BY_2, BY_3], (1, 0, 0, 0)),
        ([], (3, 0, 0, 0)),
        ([BY_2, BY_2, BY_1, BY_3], (0, 1, 0, 0)),
        ([BY_2, BY_1, BY_3, Item("00", 5, "text")], (0, 0, 1, 0)),
        ([BY_1, BY_2, BY_3], (0, 0, 0, 1)),
        ([BY_2._replace(content="other"), BY_1, BY_3], (1, 0, 1, 0)),
        ([BY_2._replace(author=9), BY_1, BY_3], (1, 0, 1, 0)),
    ],
)
def test_every_fault_is_counted(found, faults):
    assert counts(WANTED, found) == faults


def test_a_verdict_over_nothing_is_not_good():
    assert not Verdict().good


def test_a_verdict_adds_up():
    verdict = Verdict()
    verdict.add("user 1", WANTED, WANTED)
    verdict.add("user 2", [BY_2], [])
    assert (verdict.lists, verdict.expected, verdict.missing) == (2, 4, 1)
