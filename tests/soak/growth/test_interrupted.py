"""A move to more partitions under load, by commands that are killed on their way, and nothing is lost."""

from microblog_streams.domain.deployment import Phase
from tests.support.churn.growing import Growing

#: Calls a second, and how many are answered before and after the move.
RATE, CALLS = 40, 200


def test_a_command_that_is_killed_goes_on_where_it_was(two, workers, parts, separate, command, kafka, capsys):
    """From 8 to 16, with a third worker that is ready in the next generation before posts go there."""
    growing = Growing(parts, separate, two)
    third = workers()

    with growing.under_load(RATE, CALLS):
        first = command("grow-partitions", "16", "--warm")
        growing.wait_for(Phase.FILLED)
        growing.workers.append(third.start(GENERATION="next"))
        growing.wait_for(Phase.SWITCHED)
        first.kill()
        second = command("grow-partitions", "16")
        growing.wait_for(Phase.DRAINING, Phase.SETTLED)
        second.kill()
        last = command("grow-partitions", "16")
        assert last.ended() == 0, last.told()

    outcome = growing.outcome()
    with capsys.disabled():
        print(f"\n{outcome}")
    outcome.prove()
    assert growing.deployment().partitions == 16
    assert [worker.log.read_text().count("generation_over") for worker in growing.workers] == [1, 1, 0]
    assert kafka.behind(growing.before.generation) == {}
