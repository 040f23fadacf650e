"""How often a part of the local stack is started again."""

from microblog_streams.local.stack import RestartLimit


def test_each_part_may_restart_so_often_in_any_minute():
    now = [0.0]
    limit = RestartLimit(2, 60.0, lambda: now[0])
    assert [limit.allows("kafka") for _ in range(3)] == [True, True, False]
    assert limit.allows("valkey")

    now[0] = 61.0
    assert limit.allows("kafka")
