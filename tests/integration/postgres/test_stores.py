"""The real stores keep the promises of the interfaces, on PostgreSQL."""

from tests.contracts.follows import FollowsContract
from tests.contracts.idempotency import IdempotencyContract
from tests.contracts.outbox import OutboxContract
from tests.contracts.users import UsersContract


class TestUsers(UsersContract):
    pass


class TestFollows(FollowsContract):
    pass


class TestOutbox(OutboxContract):
    pass


class TestIdempotency(IdempotencyContract):
    pass
