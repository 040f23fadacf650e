"""Churn: a steady load on one worker that stays, while two others join and leave; then everything must be right."""

import random
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from microblog_streams.delivery.faust_patches.router import partition_of
from microblog_streams.domain.ids import encode_user
from tests.support.churn.comings import Comings
from tests.support.churn.outcome import Outcome
from tests.support.live.kafka import Kafka
from tests.support.live.people import People
from tests.support.live.worker import Worker
from tests.support.waiting import DEADLINE_SECONDS
from tests.support.workload.history import History
from tests.support.workload.load import POSTS_AND_FOLLOWS, RATE, Load
from tests.support.workload.reading import check

#: People, and those whom each may come to follow: the load turns these edges over.
PEOPLE, EACH = 160, 10
PARTITIONS = 8
#: Seconds in which what is left is worked off, on a busy machine too.
DEADLINE = DEADLINE_SECONDS


@dataclass(frozen=True)
class Parts:
    """What a churn is run with: fixtures of these names."""

    workers: Callable[..., Worker]
    people: People
    kafka: Kafka
    eventually: Callable[..., None]


@dataclass(frozen=True)
class Churn:
    """How long the load is, and who comes and goes meanwhile."""

    #: Posts and follow changes that must have been answered well before the load ends.
    posts: int
    follows: int
    #: How each of the other workers leaves, one join after the other.
    leaves: Sequence[Sequence[signal.Signals]]
    #: Calls for which a worker stays; half as many until it comes again.
    stay: int
    #: Settings of all workers, over those of quick tests.
    settings: dict[str, str]

    def run(self, parts: Parts) -> Outcome:
        """Do it all; return what came of it once everything is committed."""
        steady, *others = (parts.workers() for _ in range(1 + len(self.leaves)))
        steady.start(**self.settings)
        parts.eventually(steady.well, steady)
        before = parts.kafka.lengths()
        load = load_on(steady, parts.people)
        comings = [Comings(worker, load, parts.eventually) for worker in others]
        with load:
            self._come_and_go(comings)
            parts.eventually(lambda: self._enough(load.history) or not load.is_alive(), steady, seconds=2 * DEADLINE)
        parts.eventually(steady.has_relayed, steady, seconds=DEADLINE)
        parts.eventually(lambda: not parts.kafka.behind(), steady, seconds=DEADLINE)
        events = {topic: length - before[topic] for topic, length in parts.kafka.lengths().items()}
        joins = [seconds for coming in comings for seconds in coming.joins]
        logs = "".join(worker.log.read_text(errors="replace") for worker in (steady, *others))
        return Outcome(load.history, load.seconds, joins, events, logs, check(load.history, steady.url))

    def _come_and_go(self, comings: Sequence[Comings]) -> None:
        with ThreadPoolExecutor(len(comings)) as threads:
            runs = [
                threads.submit(coming.come_and_go, leaves, self.stay, **self.settings)
                for coming, leaves in zip(comings, self.leaves, strict=True)
            ]
            for run in runs:
                run.result()

    def _enough(self, history: History) -> bool:
        return history.answered["posts"] >= self.posts and history.answered["follows"] >= self.follows


def load_on(
    steady: Worker, register: People, rate: int = RATE, pattern: Sequence[str] = POSTS_AND_FOLLOWS, **options: Any
) -> Load:
    """Register people by a worker, and make a load that calls it; ``options`` are the load's."""
    people = [register.register(steady) for _ in range(PEOPLE)]
    choose = random.Random(3)
    edges = [
        (person, other)
        for person in people
        for other in choose.sample([other for other in people if other != person], EACH)
    ]
    followed = {partition_of(encode_user(followee), PARTITIONS) for _, followee in edges}
    assert followed == set(range(PARTITIONS)), "authors of every partition are followed"
    load = Load(people, edges, rate, pattern, **options)
    load.call(steady.url)
    return load
