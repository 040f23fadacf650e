"""What PostgreSQL stored of a load at a moment: a load is reset to it when PostgreSQL loses its last commits."""

from dataclasses import dataclass

from tests.support.workload.crowd import Crowd
from tests.support.workload.history import Edge, History


@dataclass(frozen=True)
class Memory:
    """The part of a history that PostgreSQL stores. Posts are not in it: Kafka and Cassandra have those."""

    following: dict[Edge, bool]
    blocks: set[Edge]
    people: set[int]
    gone: set[int]

    @classmethod
    def of(cls, history: History) -> "Memory":
        return cls(dict(history.following), set(history.blocks), set(history.people), set(history.gone))


@dataclass(frozen=True)
class Lost:
    """What was answered since and lost: edges that are again as they were, and people who were registered."""

    edges: set[Edge]
    people: set[int]


def reset(history: History, crowd: Crowd, kept: Memory) -> Lost:
    """Reset a history and its crowd to what was kept. No call may be under way.

    A person who was deleted since may be there or not: the deletion is done again where its event had been relayed.
    """
    changed = {edge for edge, on in history.following.items() if kept.following.get(edge, False) != on}
    lost = Lost(changed, history.people - kept.people)
    history.unsure_gone |= (history.gone - kept.gone) & kept.people
    history.following, history.blocks = dict(kept.following), set(kept.blocks)
    history.people, history.gone = set(kept.people), set(kept.gone)
    crowd.forget(lost.people)
    return lost
