"""The URLs of all stores take IPv6 addresses."""

import pytest
from faust.transport.drivers.aiokafka import server_list
from pydantic import SecretStr

from microblog_streams.config.settings import Settings
from microblog_streams.kafka.clients import PORT, brokers, client_options
from microblog_streams.stores.cassandra import driver
from microblog_streams.stores.postgres.session import _places, target
from microblog_streams.stores.redis.address import open_cluster, open_pool

HOST = "2001:db8::7"


def settings(**urls):
    return Settings(_env_file=None, **{name: SecretStr(url) for name, url in urls.items()})


def test_kafka_urls_take_ipv6():
    given = settings(kafka_url=f"kafka://[{HOST}]:9093,[{HOST}]")
    expected = [f"[{HOST}]:9093", f"[{HOST}]:9092"]
    assert client_options(given)["bootstrap_servers"] == expected
    assert server_list(brokers(given), PORT) == expected


def test_postgresql_urls_take_ipv6():
    assert _places(target(f"postgresql://a@[{HOST}]:5433,[{HOST}]/d", "test", {})) == [(HOST, "5433"), (HOST, "5432")]


def test_cassandra_urls_take_ipv6():
    address = driver.Address.of(settings(cassandra_url=f"cassandra://[{HOST}]:9043/k"))
    assert address.places == [(HOST, 9043)]


@pytest.mark.parametrize("tls", ["", "s"])
def test_redis_urls_take_ipv6(tls):
    pool = open_pool(settings(redis_url=f"redis{tls}://:p@[{HOST}]:6380/0"), 2)
    assert (pool.connection_kwargs["host"], pool.connection_kwargs["port"]) == (HOST, 6380)


def test_sentinel_urls_take_ipv6():
    pool = open_pool(settings(redis_url=f"redis+sentinel://[{HOST}]:26380/timelines"), 2)
    (sentinel,) = pool.sentinel_manager.sentinels
    found = sentinel.connection_pool.connection_kwargs
    assert (found["host"], found["port"]) == (HOST, 26380)


def test_redis_cluster_urls_take_ipv6():
    (node,) = open_cluster(settings(redis_url=f"redis+cluster://[{HOST}]:6380"), 2).nodes_manager.startup_nodes.values()
    assert (node.host, node.port) == (HOST, 6380)
