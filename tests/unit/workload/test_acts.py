"""Blocks among the acts of a load: what they leave for others to choose, and what is known after each answer."""

import random
from types import SimpleNamespace

import pytest

from tests.support.workload.acts import Acts
from tests.support.workload.caller import NO_ANSWER
from tests.support.workload.crowd import Crowd
from tests.support.workload.history import History

ANN, BOB = 1, 2
THERE, BACK = (ANN, BOB), (BOB, ANN)


@pytest.fixture
def crowd():
    """Two people, of whom each may follow the other."""
    return Crowd([ANN, BOB], [THERE, BACK], random.Random(1))


@pytest.fixture
def history():
    return History(people={ANN, BOB})


@pytest.fixture
def acts(crowd, history):
    """Acts whose calls are noted and answered well, or with what ``answers`` says instead."""
    called, answers = [], []

    async def call(request):
        called.append((request.method, request.path, request.good))
        if answers and answers[0] == NO_ANSWER:
            request.on_no_answer()
        return (answers.pop() if answers else request.good), None

    acts = Acts(SimpleNamespace(call=call), crowd, history)
    return SimpleNamespace(block=acts.block, follow=acts.follow, called=called, answers=answers)


def test_a_pair_is_both_edges_and_is_taken_once(crowd):
    assert sorted(crowd.take_pair()) == [THERE, BACK]
    assert crowd._idle == []


def test_a_pair_with_a_taken_edge_is_left_alone(crowd):
    taken = crowd.take_edge()

    assert crowd.take_pair() == []

    crowd.give_edge(taken)
    assert sorted(crowd.take_pair()) == [THERE, BACK]


async def test_a_block_is_taken_back_by_who_made_it(acts, history):
    for _ in range(4):
        await acts.block(0)

    methods, paths, _ = zip(*acts.called, strict=True)
    assert methods == ("POST", "DELETE", "POST", "DELETE")
    assert (paths[0], paths[2]) == (paths[1], paths[3])
    assert history.blocks == set()


async def test_a_follow_across_a_block_must_be_refused(acts, history):
    await acts.block(0)
    await acts.follow(0)

    assert acts.called[-1][0] == "POST"
    assert acts.called[-1][2] == 403
    assert history.following == {THERE: False, BACK: False}


async def test_after_an_unanswered_try_the_edges_are_left_alone(acts, crowd, history):
    acts.answers.append(NO_ANSWER)

    await acts.block(0)

    assert crowd._idle == []
    assert history.unsure_edges.keys() == {THERE, BACK}
