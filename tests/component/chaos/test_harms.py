"""Two faults at once: the seed alone decides which, and they strike different things."""

import random

from tests.chaos.harms import HARMS, choose_pair

ORDER = [harm.name for harm in HARMS]


def pairs(seed, count=200):
    source = random.Random(seed)
    return [choose_pair(source) for _ in range(count)]


def test_a_seed_brings_the_same_pairs_again():
    assert pairs("5 mix") == pairs("5 mix") != pairs("6 mix")


def test_two_at_once_strike_different_things():
    assert all(one.target != other.target for one, other in pairs(1))


def test_a_worker_is_killed_before_and_starts_again_after_anything_else():
    assert all(ORDER.index(one.name) < ORDER.index(other.name) for one, other in pairs(2))


def test_every_harm_has_its_turn():
    assert {harm.name for pair in pairs(3, 5_000) for harm in pair} == {*ORDER}
