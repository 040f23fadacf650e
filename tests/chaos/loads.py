"""The people of one trial, and the load that is theirs."""

import random

from tests.chaos.lasting import RATE
from tests.support.live.people import People
from tests.support.live.worker import Worker
from tests.support.workload.load import Load

#: People, and those whom each may come to follow: the load turns these edges over.
PEOPLE, EACH = 60, 10
#: Calls under way at most, many of which may wait for something that is away; and tries of one.
IN_FLIGHT, TRIES = 200, 8
#: What is done, over and over: half of the posts carry an Idempotency-Key.
_USUAL = ("post", "post_once", "follow", "post", "read", "post_once", "follow", "post", "post_once", "delete_post")
_WITH_BLOCKS = (*_USUAL * 3, "block")
PATTERN = (*_WITH_BLOCKS * 4, "register", *_WITH_BLOCKS * 2, "delete_person")


def load_of(worker: Worker, chance: random.Random) -> Load:
    """Register people by a worker, and make their load; it makes no calls yet."""
    people = [People().register(worker) for _ in range(PEOPLE)]
    edges = [(one, other) for one in people for other in chance.sample(people, EACH + 1) if other != one]
    return Load(people, edges, RATE, PATTERN, IN_FLIGHT, TRIES)
