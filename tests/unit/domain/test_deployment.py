"""What goes where in each phase of a move, by the row that all workers look up."""

import pytest

from microblog_streams.domain.deployment import Deployment, Phase

SETTLED = Deployment(3, 8)
MOVING = [Phase.COPYING, Phase.FILLED, Phase.SWITCHED, Phase.DRAINING]


def moving(phase):
    return Deployment(3, 8, 0, phase, 5, 12)


def test_without_a_move_everything_is_in_the_present_generation():
    assert SETTLED.edges_go_to == SETTLED.open_generations == (3,)
    assert SETTLED.posts_go_to == 3
    assert SETTLED.partitions_of(3) == 8


@pytest.mark.parametrize("phase", [Phase.COPYING, Phase.FILLED, Phase.SWITCHED])
def test_edge_events_go_to_both_generations_to_the_present_one_first(phase):
    assert moving(phase).edges_go_to == (3, 5)


def test_edge_events_wait_while_the_present_generation_brings_about_its_last_ones():
    assert moving(Phase.DRAINING).edges_go_to == ()


@pytest.mark.parametrize(
    ("phase", "generation"), [(Phase.COPYING, 3), (Phase.FILLED, 3), (Phase.SWITCHED, 5), (Phase.DRAINING, 5)]
)
def test_posts_go_to_one_generation_at_a_time(phase, generation):
    assert moving(phase).posts_go_to == generation


def test_no_worker_runs_in_a_generation_whose_table_is_being_filled():
    assert moving(Phase.COPYING).open_generations == (3,)


@pytest.mark.parametrize("phase", [Phase.FILLED, Phase.SWITCHED, Phase.DRAINING])
def test_workers_may_run_in_both_generations_once_the_table_is_filled(phase):
    assert moving(phase).open_generations == (3, 5)


@pytest.mark.parametrize("phase", MOVING)
def test_each_generation_has_its_own_number_of_partitions(phase):
    assert [moving(phase).partitions_of(generation) for generation in (3, 5)] == [8, 12]
