"""The stores that live in PostgreSQL, in memory."""

import pytest

from tests.support.fakes.access import FakePasswords, FakeTokens
from tests.support.fakes.blocks import FakeBlocks
from tests.support.fakes.database import FakeDatabase
from tests.support.fakes.dead_letters import FakeResolvedLetters
from tests.support.fakes.follows import FakeFollows
from tests.support.fakes.idempotency import FakeIdempotency
from tests.support.fakes.log import FakeLog
from tests.support.fakes.outbox import FakeElection, FakeOutbox
from tests.support.fakes.profiles import FakeProfiles
from tests.support.fakes.users import FakeUsers


@pytest.fixture
def database():
    return FakeDatabase()


@pytest.fixture
def users(database):
    return FakeUsers(database)


@pytest.fixture
def profiles(database):
    return FakeProfiles(database)


@pytest.fixture
def follows(database):
    return FakeFollows(database)


@pytest.fixture
def blocks(database):
    return FakeBlocks(database)


@pytest.fixture
def outbox(database):
    return FakeOutbox(database)


@pytest.fixture
def idempotency(database):
    return FakeIdempotency(database)


@pytest.fixture
def tokens(database):
    return FakeTokens(database)


@pytest.fixture
def passwords(database):
    return FakePasswords(database)


@pytest.fixture
def days_pass(database):
    """Makes every token so many days older."""

    async def let_them_pass(days):
        database.let_tokens_age(days)

    return let_them_pass


@pytest.fixture
def resolved(database):
    return FakeResolvedLetters(database)


@pytest.fixture
def age(resolved):
    """Lets everything be resolved an hour ago."""

    async def age_it():
        resolved.age()

    return age_it


@pytest.fixture
def a_day_passes(database):
    """Makes every Idempotency-Key a day older."""

    async def let_it_pass():
        database.let_a_day_pass()

    return let_it_pass


@pytest.fixture
def raise_era(database):
    async def raise_it():
        database.era += 1

    return raise_it


@pytest.fixture
def election(outbox):
    return FakeElection(outbox)


@pytest.fixture
def log():
    return FakeLog()
