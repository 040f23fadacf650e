"""Users and what belongs to them, in PostgreSQL: names, tokens, password hashes and Idempotency-Keys."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from microblog_streams.domain.models import (
    NO_CREDENTIALS,
    Credentials,
    FollowCounts,
    IdempotencyKey,
    Login,
    NewToken,
    Profile,
    ProfileChange,
    Reserved,
    Suspension,
    Token,
    User,
)

#: Awaited with a new user's id before their row is committed. It must not raise, and must be short: row locks are held.
BeforeCommit = Callable[[int], Awaitable[None]]


class UserStore(Protocol):
    """Users. A deleted user's row stays, without credentials."""

    async def create(
        self,
        username: str,
        name_key: str,
        credentials: Credentials = NO_CREDENTIALS,
        before_commit: BeforeCommit | None = None,
    ) -> User:
        """Register a user in one transaction with the credentials. ``name_key`` is the form that must be unique.

        ``before_commit`` is awaited with the new id while no other session can see the user.
        Raises UsernameTaken for a name that is in use (also by a registration at the same moment), that looks like
        another user's (``domain.lookalikes``), or that a deleted user had until fewer days ago than the settings say.
        """
        ...

    async def create_once(
        self,
        username: str,
        name_key: str,
        idempotency_key: IdempotencyKey,
        credentials: Credentials = NO_CREDENTIALS,
        before_commit: BeforeCommit | None = None,
    ) -> tuple[User, bool]:
        """Register a user in one transaction with the key's row; return the user and whether they are new.

        For a known key, return the user that it registered and change nothing, not even credentials. Raises
        UsernameTaken, which leaves the key unused; KeyReused if the earlier request differed; NotFound if the user of
        the earlier request is deleted.
        """
        ...

    async def get_many(self, ids: Collection[int]) -> Mapping[int, User]:
        """Return those users that are neither deleted nor suspended, by id."""
        ...

    async def undeleted(self, ids: Collection[int]) -> Mapping[int, User]:
        """Return those users that are not deleted, suspended ones too, by id."""
        ...

    async def named(self, name_key: str) -> User | None:
        """Return the user with this name, None if there is none or they are deleted or suspended."""
        ...

    async def page(self, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` users with id > ``after``, by id."""
        ...

    async def ids(self, after: int, limit: int) -> Sequence[int]:
        """Return up to ``limit`` ids > ``after`` of undeleted users, also suspended ones, in order."""
        ...

    async def draw(self) -> int | None:
        """Return the id of a random user; None if the random place in the table holds none."""
        ...

    async def suspend(self, user: int, at: datetime, reason: str = "") -> bool:
        """Hide a user from all reads of users and tokens; False if there is none.

        Of one who is suspended, the time stays, and the reason where the new one is empty.
        """
        ...

    async def restore(self, user: int) -> bool:
        """Show a user again; False if there is none."""
        ...

    async def suspended_page(self, after: int, limit: int) -> Sequence[Suspension]:
        """Return up to ``limit`` suspended users with id > ``after``, by id."""
        ...

    async def delete(self, user: int, at: datetime) -> bool:
        """Delete in one transaction with the events: ``user.unfollow`` for each outgoing edge, then ``user.deleted``.

        Also removes tokens, password, and blocks of and by the user. Locks the user FOR UPDATE. Returns False if there
        was no such user.
        """
        ...

    async def delete_again(self, user: int, at: datetime) -> bool:
        """Repeat a deletion that PostgreSQL lost. False if it did not lose it, or gave the id to another user since."""
        ...


class ProfileStore(Protocol):
    """What users say of themselves, and how many follow them and are followed by them."""

    async def get(self, user: int) -> Profile | None:
        """Return an undeleted user's profile."""
        ...

    async def counts(self, user: int) -> FollowCounts:
        """Return how many follow the user and are followed by them; zeros for an unknown user.

        Exact, but for followees who were just deleted: ``sweep`` takes those away. Suspended users count.
        """
        ...

    async def followers(self, users: Collection[int]) -> Mapping[int, int]:
        """Return how many follow each of the users, exactly; those without any may be left out."""
        ...

    async def change(self, user: int, change: ProfileChange, at: datetime) -> Profile:
        """Change a profile in one transaction with the event ``user.changed``. Raises NotFound."""
        ...

    async def sweep(self, limit: int) -> int:
        """Bring up to ``limit`` parts of the counts together; less than ``limit`` is returned where none are left."""
        ...


class TokenStore(Protocol):
    """Tokens, by their hash. A token is live until it is revoked, expires, or its user is deleted."""

    async def add(self, user: int, new: NewToken) -> Token:
        """Add a token, and revoke all but the user's 100 most recently used. Raises NotFound (the user)."""
        ...

    async def renew(self, user: int, new: NewToken) -> Token:
        """Add a token in place of the one made at registration. Raises NotFound (the user)."""
        ...

    async def find(self, token_hash: bytes) -> Token | None:
        """Return the live token with this hash."""
        ...

    async def of(self, user: int) -> Sequence[Token]:
        """Return a user's live tokens, by id."""
        ...

    async def revoke(self, user: int, ident: int) -> Token:
        """Revoke a live token of a user and return it. Raises NotFound, also for another user's token."""
        ...

    async def note_used(self, times: Mapping[int, datetime]) -> None:
        """Set ``last_used_at`` of tokens by id, unless it is less than a minute older already."""
        ...

    async def sweep(self, limit: int) -> int:
        """Delete up to ``limit`` tokens that ended at least 30 days ago; return their number."""
        ...


class PasswordStore(Protocol):
    """Password hashes."""

    async def find(self, name_key: str) -> Login | None:
        """Return the user with this name and the hash of their password; None if the name is not in use."""
        ...

    async def get(self, user: int) -> str | None:
        """Return the hash of a user's password, None if they have none."""
        ...

    async def replace(self, user: int, known: str, password_hash: str) -> bool:
        """Replace a user's hash if it is still ``known``; return whether it was."""
        ...

    async def set(self, user: int, password_hash: str) -> None:
        """Give a user this hash, whether they have one or not. Raises NotFound (the user)."""
        ...


class IdempotencyStore(Protocol):
    """Idempotency-Keys of posts. All keys expire after 24 hours, those of other requests too."""

    async def claim(self, author: int, idempotency_key: IdempotencyKey, post_id: UUID) -> Reserved:
        """Reserve a post id for a key of ``author``; return the earlier reservation if the key is known.

        A key older than 24 hours counts as new, swept or not. Raises KeyReused if the earlier request differed.
        """
        ...

    async def finish(self, author: int, idempotency_key: IdempotencyKey) -> None:
        """Note that the key's post was confirmed."""
        ...

    async def sweep(self, limit: int) -> int:
        """Delete up to ``limit`` expired keys; return their number."""
        ...
