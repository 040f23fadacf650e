"""The partition that a look-up goes to is the one that the producer writes to."""

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from microblog_streams.delivery.upstream.router import partition_of
from microblog_streams.ids import MAX_USER_ID, encode_user


@given(user=st.integers(1, MAX_USER_ID), partitions=st.integers(1, 64))
def test_the_author_alone_decides_and_as_the_producer_would(user, partitions):
    everything = list(range(partitions))
    assert partition_of(encode_user(user), partitions) == DefaultPartitioner()(
        encode_user(user), everything, everything
    )
