"""Redis (here Valkey) that wants TLS and a login, and what its settings cannot keep."""

import pytest
from pydantic import SecretStr
from yarl import URL

from microblog_streams.domain.errors import SetupError
from microblog_streams.local.valkey import Valkey
from microblog_streams.stores.redis.connection import Redis
from tests.support.servers.alone import serving
from tests.support.waiting import PATIENT_SECONDS


@pytest.fixture(scope="module")
def stack():
    with serving(Valkey) as stack:
        yield stack


@pytest.fixture
def url(stack):
    return URL(stack.environment["MICROBLOG_REDIS_URL"])


@pytest.fixture
async def connect(stack):
    """Connects with these settings; what it returns is closed in the end."""
    opened = []

    async def connect_to(url, **settings):
        changed = {"redis_url": SecretStr(str(url)), "store_timeout": PATIENT_SECONDS, **settings}
        redis = Redis(stack.settings.model_copy(update=changed))
        opened.append(redis)
        await redis.connect()
        return redis

    yield connect_to
    for redis in opened:
        await redis.close()


@pytest.fixture
async def operator(connect, url):
    """A client that may do everything; what it sets is set back."""
    redis = await connect(url)
    yield redis.client
    await redis.client.config_set("maxmemory-policy", "volatile-ttl")


async def test_certificate_and_password_are_checked(url, connect, front, certs):
    with front(url.port) as port:
        redis = await connect(url.with_scheme("rediss").with_port(port), redis_ca=certs.ca)
        await redis.client.set("large", b"x" * 100_000)
        assert await redis.client.get("large") == b"x" * 100_000
        assert redis.warnings == []


async def test_a_wrong_password_is_reported_in_one_line(url, connect, front, certs):
    with front(url.port) as port:
        secured = url.with_scheme("rediss").with_port(port).with_password("wrong-secret")
        with pytest.raises(SetupError, match="refuses the login in MICROBLOG_REDIS_URL") as told:
            await connect(secured, redis_ca=certs.ca)
    assert "\n" not in str(told.value)
    assert "wrong-secret" not in repr(told.value)


@pytest.mark.parametrize("kind", ["redis", "redis+sentinel"])
async def test_an_untrusted_certificate_is_reported_in_one_line(url, connect, front, certs, kind):
    with front(url.port) as port:
        secured = str(url.with_port(port).with_path("/service/0" if "+" in kind else "/0"))
        with pytest.raises(SetupError, match=r"certificate of Redis is not trusted.*MICROBLOG_REDIS_CA") as told:
            await connect(secured.replace("redis://", kind.replace("redis", "rediss") + "://"), redis_ca=certs.other_ca)
    assert "\n" not in str(told.value)


async def test_without_permission_to_read_settings_the_unknown_ones_give_a_warning(url, connect, operator):
    await operator.execute_command("ACL SETUSER web on >pass~word ~* &* +@all -config")
    redis = await connect(url.with_user("web").with_password("pass~word"))
    assert redis.warnings == [
        "redis: maxmemory-policy is not known; it must be volatile-ttl or noeviction",
        "redis: appendonly is not known; it must be yes",
        "redis: appendfsync is not known; it must be everysec or always",
    ]


async def test_a_setting_that_may_lose_timelines_gives_a_warning(url, connect, operator):
    await operator.config_set("maxmemory-policy", "allkeys-lru")
    redis = await connect(url)
    assert redis.warnings == ["redis: maxmemory-policy is allkeys-lru, not volatile-ttl or noeviction"]


async def test_an_option_unknown_to_redis_py_is_reported_in_one_line(url, connect):
    with pytest.raises(SetupError, match="MICROBLOG_REDIS_URL: Invalid value for 'socket_timeout'"):
        await connect(url.with_query(socket_timeout="soon"))
