"""A load that is reset to a moment expects what PostgreSQL stored then, and every post."""

import random

from benchmarks.expectation import Item
from tests.support.workload.crowd import Crowd
from tests.support.workload.history import History
from tests.support.workload.memory import Memory, reset

ANN, BOB, EVE, NEW = 1, 2, 3, 4


def test_what_was_answered_since_is_lost_but_for_posts():
    history, crowd = History(people={ANN, BOB, EVE}), Crowd([ANN, BOB, EVE], [(ANN, BOB)], random.Random(1))
    history.followed((ANN, BOB), True, 0.0)
    kept = Memory.of(history)
    history.followed((ANN, BOB), False, 1.0)
    history.followed((EVE, BOB), True, 1.0)
    history.turned_block((ANN, EVE), [(ANN, EVE)])
    history.registered(NEW)
    crowd.welcome(NEW, 2)
    history.deleted_person(EVE)
    post = Item("01", ANN, "kept")
    history.posted(post)

    lost = reset(history, crowd, kept)

    assert (lost.people, lost.edges) == ({NEW}, {(ANN, BOB), (EVE, BOB)})
    assert (history.following, history.blocks) == ({(ANN, BOB): True}, set())
    assert (history.people, history.gone, history.unsure_gone) == ({ANN, BOB, EVE}, set(), {EVE})
    assert history.posts[ANN] == [post]
    assert NEW not in crowd.people
    assert crowd.take_edge() == (ANN, BOB)  # the only one without a lost user
