"""PostgreSQL that wants TLS and a password, and PostgreSQL on several hosts."""

import asyncio

import pytest
from pydantic import SecretStr
from yarl import URL

from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.local.postgres import Postgres as Server
from microblog_streams.stores.postgres.connection import Postgres
from tests.support.servers.alone import serving
from tests.support.waiting import PATIENT_SECONDS


@pytest.fixture(scope="module")
def stack():
    with serving(Server) as stack:
        yield stack


@pytest.fixture
def url(stack):
    return URL(stack.environment["MICROBLOG_POSTGRES_URL"])


@pytest.fixture
async def connect(stack):
    """Connects with a URL; what it returns is closed in the end."""
    opened = []

    async def connect_to(url):
        changed = {"postgres_url": SecretStr(str(url)), "store_timeout": PATIENT_SECONDS}
        postgres = Postgres(stack.settings.model_copy(update=changed))
        opened.append(postgres)
        await postgres.connect()
        return postgres

    yield connect_to
    for postgres in opened:
        await postgres.close()


async def test_certificate_and_password_are_checked(url, connect, front, certs):
    with front(url.port, postgres=True) as port:
        secured = url.with_port(port).with_query(sslmode="verify-full", sslrootcert=str(certs.ca))
        postgres = await connect(secured)
        assert await postgres.fetch_one("SELECT 40 + 2") == (42,)
        assert await postgres.fetch_one("SELECT repeat('x', 100000)") == ("x" * 100_000,)


@pytest.mark.parametrize("mode", ["prefer", "require", "verify-full"])
async def test_a_wrong_password_is_reported_in_one_line(url, connect, front, certs, mode):
    with front(url.port, postgres=True) as port:
        secured = url.with_port(port).with_query(sslmode=mode, sslrootcert=str(certs.ca))
        with pytest.raises(SetupError) as told:
            await connect(secured.with_password("wrong-secret"))
    assert "password authentication failed" in str(told.value)
    assert "\n" not in str(told.value)
    assert "wrong-secret" not in repr(told.value)


async def test_an_untrusted_certificate_is_reported_in_one_line(url, connect, front, certs):
    with front(url.port, postgres=True) as port:
        secured = url.with_port(port).with_query(sslmode="verify-full", sslrootcert=str(certs.other_ca))
        with pytest.raises(SetupError, match=r"certificate verify failed.*sslrootcert"):
            await connect(secured)


async def test_a_server_without_tls_is_refused_where_tls_is_asked_for(url, connect):
    with pytest.raises(SetupError, match="does not support SSL, but SSL was required"):
        await connect(url.with_query(sslmode="require"))


async def test_the_next_host_is_asked_where_the_first_is_away(url, connect):
    mistakes = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: mistakes.append(context))
    places = f"127.0.0.1:1,localhost:{url.port}"
    postgres = await connect(str(url).replace(f"127.0.0.1:{url.port}", places))
    assert await postgres.fetch_one("SELECT 1") == (1,)
    assert mistakes == []


async def test_a_read_only_host_is_skipped(url, connect):
    postgres = await connect(url)
    await postgres.execute("CREATE ROLE standby LOGIN PASSWORD 'secret'")
    await postgres.execute("ALTER ROLE standby SET default_transaction_read_only = on")
    alone = url.with_user("standby").with_password("secret")
    assert await (await connect(alone)).fetch_one("SHOW transaction_read_only") == ("on",)

    place = f"127.0.0.1:{url.port}"
    with pytest.raises(StoreUnavailable, match="session is read-only"):
        await connect(str(alone).replace(place, f"{place},{place}"))
