"""The partitions grow under load, and nothing is lost."""

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from microblog_streams.domain import topics
from microblog_streams.domain.deployment import Deployment
from tests.support.churn.growing import Growing

#: Calls a second, and how many are answered before and after the move.
RATE, CALLS = 60, 100


def test_the_partitions_grow_under_load(two, parts, separate, command, kafka, capsys):
    """From 8 to 12. The workers move by themselves, one after the other, in the processes that they are."""
    growing = Growing(parts, separate, two)
    present, following = separate.topic_set, separate.topic_set + 1
    processes = [worker.process.pid for worker in two]

    with growing.under_load(RATE, CALLS):
        grow = command("grow-partitions", "12")
        assert grow.ended() == 0, grow.told()

    outcome = growing.outcome()
    with capsys.disabled():
        print(f"\n{outcome}")
    outcome.prove()
    assert growing.deployment() == Deployment(generation=following, partitions=12)
    assert f"generation {following}, 12 partitions" in grow.told()
    assert [worker.process.pid for worker in two if worker.process.poll() is None] == processes
    over = [worker.logged("generation_over") for worker in two]
    assert [[(line["mine"], line["present"]) for line in lines] for lines in over] == [[(present, following)]] * 2
    assert kafka.behind(generation=present) == {}
    for topic in topics.SOURCES:
        with pytest.raises(MessageSizeTooLargeError):
            kafka.publish(topic, b"12345678", b"late")
