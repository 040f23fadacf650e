"""The checker sees everything that can be wrong, and takes either outcome of a call without an answer."""

import pytest

from benchmarks.expectation import Item
from tests.support.workload.checker import Checker, Found
from tests.support.workload.history import LATE, History

ANN, BOB, CLEO = 1, 2, 3
FIRST, SECOND = Item("01", ANN, "first"), Item("02", ANN, "second")


@pytest.fixture
def history():
    """Ann posted twice; bob follows her, cleo does not."""
    history = History(people={ANN, BOB, CLEO})
    history.posted(FIRST)
    history.posted(SECOND)
    history.followed((BOB, ANN), True, begun=0.0)
    return history


@pytest.fixture
def found():
    """Everything as it must be."""
    return Found({ANN: [SECOND, FIRST], BOB: [SECOND, FIRST], CLEO: []}, {ANN: set(), BOB: {ANN}, CLEO: set()})


@pytest.fixture
def findings(history, found):
    """Return what the checker finds, as text."""
    return lambda: [str(finding) for finding in Checker(history, found).report().findings]


def test_what_is_right_is_counted(history, found):
    report = Checker(history, found).report()
    assert report.good
    assert (report.timelines, report.expected) == (3, 4)


@pytest.mark.parametrize(
    ("timeline", "words"),
    [
        ([SECOND], "missing: reader 2 author 1 post 01"),
        ([SECOND, SECOND, FIRST], "doubled: reader 2 author 1 post 02"),
        ([FIRST, SECOND], "out of order: reader 2 author 1 post 02 below 01"),
        (
            [SECOND, FIRST, Item("00", ANN, "?")],
            "stray: reader 2 author 1 post 00 no client was told that it was posted",
        ),
        ([SECOND, FIRST, Item("00", CLEO, "?")], "stray: reader 2 author 3 post 00 not followed"),
    ],
)
def test_a_wrong_entry_is_named_with_its_ids(found, findings, timeline, words):
    found.timelines[BOB] = timeline
    assert findings() == [words.replace("out of order", "misplaced")]


def test_a_text_that_was_altered_is_missing_and_stray(found, findings):
    found.timelines[BOB] = [SECOND, Item("01", ANN, "altered")]
    assert [words.split(":")[0] for words in findings()] == ["missing", "stray"]


def test_a_deleted_post_is_a_stray(history, found, findings):
    history.deleted_post(FIRST.post_id)
    found.timelines[ANN] = [SECOND]
    assert findings() == ["stray: reader 2 author 1 post 01 deleted"]


def test_an_unfollow_without_effect_is_a_wrong_edge(history, findings):
    history.followed((BOB, ANN), False, begun=0.0)
    assert findings() == ["edge: reader 2 author 1 post - must not be followed"]


def test_a_follow_without_effect_is_a_wrong_edge(found, findings):
    found.followees[BOB].clear()
    found.timelines[BOB].clear()
    assert findings() == ["edge: reader 2 author 1 post - must be followed"]


def test_a_block_without_effect_is_a_wrong_edge(history, findings):
    history.turned_block((ANN, BOB), [(ANN, BOB), (BOB, ANN)])
    assert findings() == ["edge: reader 2 author 1 post - must not be followed"]


def test_a_block_that_was_taken_back_brings_no_edge_back(history, found, findings):
    for _ in range(2):
        history.turned_block((ANN, BOB), [(ANN, BOB), (BOB, ANN)])
    found.followees[BOB].clear()
    found.timelines[BOB].clear()
    assert findings() == []


def test_a_deleted_person_who_is_there_is_one_too_many(history, findings):
    history.deleted_person(CLEO)
    assert findings() == ["person: reader 3 author 0 post - deleted, and there"]


def test_a_person_who_is_not_there_is_missing(found, findings):
    del found.timelines[CLEO]
    assert findings() == ["person: reader 3 author 0 post - not deleted, and not there"]


@pytest.mark.parametrize("happened", [True, False])
class TestWithoutAnAnswer:
    """A call that was not answered may have happened or not; then it must hold for all alike."""

    def test_a_post(self, history, found, findings, happened):
        history.unanswered_post(ANN, "third")
        if happened:
            found.timelines[ANN].insert(0, Item("03", ANN, "third"))
            found.timelines[BOB].insert(0, Item("03", ANN, "third"))
        assert findings() == []

    def test_a_post_on_some_timelines_only(self, history, found, findings, happened):
        history.unanswered_post(ANN, "third")
        found.timelines[ANN if happened else BOB].insert(0, Item("03", ANN, "third"))
        assert [words.split(":")[0] for words in findings()] == ["missing" if happened else "stray"]

    def test_the_deletion_of_a_post(self, history, found, findings, happened):
        history.unanswered_deletion(FIRST.post_id)
        if happened:
            found.timelines.update({ANN: [SECOND], BOB: [SECOND]})
        assert findings() == []

    def test_a_follow(self, history, found, findings, happened):
        history.unanswered_follow((CLEO, ANN), at=0.0)
        if happened:
            found.followees[CLEO].add(ANN)
            found.timelines[CLEO].extend([SECOND, FIRST])
        assert findings() == []

    def test_the_deletion_of_a_person(self, history, found, findings, happened):
        history.unanswered_end(CLEO)
        if happened:
            del found.timelines[CLEO]
        assert findings() == []


def test_a_post_that_happened_twice_is_doubled(history, found, findings):
    history.unanswered_post(ANN, "third")
    both = [Item("04", ANN, "third"), Item("03", ANN, "third")]
    found.timelines.update({ANN: [*both, SECOND, FIRST], BOB: [*both, SECOND, FIRST]})
    assert findings() == [f"doubled: reader 1 author 1 post {post} under two ids" for post in ("03", "04")]


def test_an_edge_is_sure_again_once_a_late_effect_is_out_of_the_question(history, found, findings):
    history.unanswered_follow((BOB, ANN), at=0.0)
    history.followed((BOB, ANN), False, begun=LATE - 1)
    assert findings() == []
    history.followed((BOB, ANN), False, begun=LATE + 1)
    assert findings() == ["edge: reader 2 author 1 post - must not be followed"]


def test_an_empty_observation_is_a_failure(history):
    assert not Checker(History(), Found({}, {})).report().good
