"""Which of our promises the settings cannot keep, in words: what ``/health`` warns of.

A loss that a copy elsewhere would have prevented is nobody's surprise on one machine, so the local stack passes.
"""

from collections.abc import Iterator

from microblog_streams.settings import Settings

#: Consistency levels that see what a quorum wrote, and whose writes a quorum sees.
QUORATE = ("LOCAL_QUORUM", "QUORUM", "EACH_QUORUM", "ALL")


def broken(settings: Settings) -> Iterator[str]:
    """Yield a line for each setting that cannot keep what we promise."""
    level = settings.cassandra_consistency
    if level not in QUORATE:
        yield f"MICROBLOG_CASSANDRA_CONSISTENCY is {level}: a post can be lost, or not found, with one node"
    if settings.loopback:
        return
    if settings.replication_factor < 2:
        yield "MICROBLOG_REPLICATION_FACTOR is 1: what one broker or node loses is lost"
    if settings.min_insync < 2:
        yield "the topics' min.insync.replicas is 1: an event confirmed by one broker can be lost with it"
