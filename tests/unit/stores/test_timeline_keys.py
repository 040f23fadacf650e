"""Where a cluster's timelines are: in buckets that spread evenly, while neighbours share one."""

from collections import Counter

import pytest
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from microblog_streams.stores.redis.timeline_keys import BUCKETS, NEIGHBOURS, PREFIX, ClusterKeys, SingleServerKeys

#: The first user of each bucket.
FIRST = range(0, BUCKETS * NEIGHBOURS, NEIGHBOURS)


def slot(user):
    return key_slot(ClusterKeys().of(user))


def server(user, count):
    return slot(user) * count // REDIS_CLUSTER_HASH_SLOTS


def test_on_one_server_a_key_is_the_users_number():
    assert SingleServerKeys().of(17) == b"timeline:17"
    assert SingleServerKeys().calls([17, 4]) == [[b"timeline:17", b"timeline:4"]]


def test_the_tags_never_change():
    """Or the timelines that are there would be cold, and stay unused until they expire."""
    assert [ClusterKeys().of(user) for user in (1, 511, 512, 2**40)] == [
        b"timeline:{10}:1",
        b"timeline:{10}:511",
        b"timeline:{9}:512",
        b"timeline:{10}:1099511627776",
    ]


def test_neighbours_share_a_slot_and_all_buckets_differ():
    assert {slot(user) for user in range(NEIGHBOURS)} == {slot(0)}
    assert len({slot(user) for user in FIRST}) == BUCKETS
    assert slot(0) == slot(NEIGHBOURS * BUCKETS)


@pytest.mark.parametrize("count", range(2, 17))
def test_servers_with_equal_parts_of_the_slots_have_about_as_many_buckets(count):
    found = Counter(server(user, count) for user in FIRST)
    assert len(found) == count
    assert max(found.values()) - min(found.values()) <= (1 if count == 3 else 2)


def test_any_few_buckets_in_a_row_are_on_all_three_servers():
    on = [server(user, 3) for user in [*FIRST, *FIRST]]
    assert all(len(set(on[start : start + 5])) == 3 for start in range(BUCKETS))


def test_a_call_holds_the_keys_of_one_slot_in_their_order():
    users = [5, 600, 3, 601, NEIGHBOURS * BUCKETS + 1]
    calls = ClusterKeys().calls(users)
    assert calls == [[ClusterKeys().of(user) for user in each] for each in ([5, 3, users[-1]], [600, 601])]
    assert all(key.startswith(PREFIX) for keys in calls for key in keys)
    assert ClusterKeys().calls([]) == []
