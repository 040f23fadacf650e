"""Users and what belongs to them: names, tokens, passwords and Idempotency-Keys, in PostgreSQL."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from microblog_streams.domain.models import (
    NO_CREDENTIALS,
    Credentials,
    IdempotencyKey,
    Login,
    NewToken,
    Reserved,
    Token,
    User,
)

#: Called with the id of a user whose row is not committed yet. It must not raise, and be soon over: locks are held.
BeforeCommit = Callable[[int], Awaitable[None]]


class UserStore(Protocol):
    """Users, in PostgreSQL."""

    async def create(
        self,
        username: str,
        name_key: str,
        credentials: Credentials = NO_CREDENTIALS,
        before_commit: BeforeCommit | None = None,
    ) -> User:
        """Register, in one transaction with the credentials (none unless given); ``name_key`` is what must be unique.

        ``before_commit`` is awaited with a new user's id while nobody else can know of them.
        Raises UsernameTaken, also when two register at once; also for a name that looks like somebody's
        (``lookalikes``), and for one of somebody who was deleted less than the days of the settings ago.
        """
        ...

    async def create_once(
        self,
        username: str,
        name_key: str,
        once: IdempotencyKey,
        credentials: Credentials = NO_CREDENTIALS,
        before_commit: BeforeCommit | None = None,
    ) -> tuple[User, bool]:
        """Register, in one transaction with the key's row; return the user, and whether they are new.

        A key that came before leads to the user of that time, without a change, also of the credentials. Raises
        UsernameTaken, which leaves the key free; KeyReused where the earlier request was another; NotFound where its
        user is deleted by now.
        """
        ...

    async def get_many(self, ids: Collection[int]) -> Mapping[int, User]:
        """Return those of the users that exist and are not deleted."""
        ...

    async def named(self, name_key: str) -> User | None:
        """Return who has the name with this key; None where nobody has."""
        ...

    async def page(self, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` users with id > ``after``, by id."""
        ...

    async def draw(self) -> int | None:
        """Return the id of somebody at random; None where the draw fell on nobody."""
        ...

    async def delete(self, user: int, at: datetime) -> bool:
        """Delete, in one transaction with its events: ``user.unfollow`` for each outgoing edge, then ``user.deleted``.

        Locks the user FOR UPDATE. Tokens, password, and blocks by the user and of the user go too. False where there
        was nothing to delete.
        """
        ...

    async def delete_again(self, user: int, at: datetime) -> bool:
        """Delete somebody whose deletion PostgreSQL has lost; False where it has not, or another has the id since."""
        ...


class TokenStore(Protocol):
    """Tokens, in PostgreSQL. One is live until it is revoked, expires, or its user is deleted."""

    async def add(self, user: int, new: NewToken) -> Token:
        """Keep a new token; beyond the 100 of a user that were used last, revoke. Raises NotFound (the user)."""
        ...

    async def renew(self, user: int, new: NewToken) -> Token:
        """Keep a new token in place of the one that registering gave. Raises NotFound (the user)."""
        ...

    async def find(self, token_hash: bytes) -> Token | None:
        """Return the live token with this hash."""
        ...

    async def of(self, user: int) -> Sequence[Token]:
        """Return a user's live tokens, by id."""
        ...

    async def revoke(self, user: int, ident: int) -> Token:
        """End a live token of a user; return what it was. Raises NotFound, also for another's."""
        ...

    async def note_used(self, times: Mapping[int, datetime]) -> None:
        """Write down when tokens were used last, unless a time less than a minute before is written down already."""
        ...

    async def sweep(self, limit: int) -> int:
        """Remove up to ``limit`` tokens that ended 30 days ago or earlier; return how many that were."""
        ...


class PasswordStore(Protocol):
    """Hashes of passwords, in PostgreSQL."""

    async def find(self, name_key: str) -> Login | None:
        """Return who has this name, with the password's hash; None where nobody has it."""
        ...

    async def get(self, user: int) -> str | None:
        """Return the hash of a user's password, None where there is none."""
        ...

    async def put(self, user: int, password_hash: str) -> None:
        """Write a password's hash in place of the former; nothing happens where the user has none (any more)."""
        ...


class IdempotencyStore(Protocol):
    """Idempotency-Keys of posts, in PostgreSQL, and the end of all keys after 24 hours."""

    async def claim(self, author: int, once: IdempotencyKey, post_id: UUID) -> Reserved:
        """Tie a key of ``author`` to a post to be; return the earlier one where the key came before.

        One that is older than 24 hours counts as new, swept or not. Raises KeyReused where the earlier request was
        another.
        """
        ...

    async def finish(self, author: int, once: IdempotencyKey) -> None:
        """Say that the key's post was acknowledged."""
        ...

    async def sweep(self, limit: int) -> int:
        """Remove up to ``limit`` keys that are older than 24 hours; return how many that were."""
        ...
