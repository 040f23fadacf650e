"""What PostgreSQL holds, in memory: one state that the fake stores share, as the real ones share a database.

Every method of a fake runs without giving up the event loop in between, so it is a transaction.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from microblog_streams.domain.errors import Blocked, KeyReused, NotFound, StoreUnavailable
from microblog_streams.domain.events import EdgeChanged, Event
from microblog_streams.domain.lookalikes import look
from microblog_streams.domain.models import (
    NO_CREDENTIALS,
    Credentials,
    Edge,
    IdempotencyKey,
    NewToken,
    OutboxRecord,
    Token,
    User,
)
from microblog_streams.domain.topics import USER_FOLLOW, USER_UNFOLLOW
from microblog_streams.logs.context import event_headers


@dataclass
class KeyRow:
    """An Idempotency-Key that was seen."""

    digest: bytes
    expires_at: datetime
    post_id: UUID | None = None
    user_id: int | None = None
    done: bool = False


@dataclass
class TokenRow:
    """A token, live or not."""

    token: Token
    registered: bool
    revoked_at: datetime | None = None

    @property
    def end(self) -> datetime:
        return min(self.revoked_at or self.token.expires_at, self.token.expires_at)

    @property
    def live(self) -> bool:
        return self.revoked_at is None and self.token.expires_at > datetime.now(UTC)


@dataclass
class FakeDatabase:
    """The tables. While ``away`` is true every call of a store raises StoreUnavailable."""

    era: int = 0
    era_began: float = 0.0
    away: bool = False
    users: dict[int, User] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    #: What the names look like.
    looks: dict[str, int] = field(default_factory=dict)
    #: Names of deleted users, what they look like, and when that was.
    held: list[tuple[str, str, datetime]] = field(default_factory=list)
    #: Since when, and why.
    suspended: dict[int, tuple[datetime, str]] = field(default_factory=dict)
    edges: dict[tuple[int, int], Edge] = field(default_factory=dict)
    #: Who blocks and who is blocked.
    blocks: set[tuple[int, int]] = field(default_factory=set)
    outbox: dict[int, OutboxRecord] = field(default_factory=dict)
    keys: dict[tuple[int, str], KeyRow] = field(default_factory=dict)
    tokens: dict[int, TokenRow] = field(default_factory=dict)
    passwords: dict[int, str] = field(default_factory=dict)
    #: Notes and links of profiles.
    pages: dict[int, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    #: Where the deployment has events of edges go.
    generations: tuple[int, ...] = (1,)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    last_user: int = 0
    last_event: int = 0
    last_token: int = 0

    def check(self) -> None:
        """Raise StoreUnavailable while the database is away."""
        if self.away:
            raise StoreUnavailable("postgres", "away")

    def require(self, *users: int) -> None:
        """Raise NotFound for a user that is not there."""
        for user in users:
            if user not in self.users:
                raise NotFound("user", user)

    def shown(self, user: int) -> User | None:
        """Return a user who is there and not suspended."""
        return None if user in self.suspended else self.users.get(user)

    def refuse_blocked(self, follower: int, followee: int) -> None:
        """Raise Blocked where either has blocked the other."""
        if self.blocks & {(follower, followee), (followee, follower)}:
            raise Blocked(followee)

    def seen(self, caller: int, idempotency_key: IdempotencyKey) -> KeyRow | None:
        """Return what an earlier request with the key left, unless that is too old. Raises KeyReused."""
        row = self.keys.get((caller, idempotency_key.key))
        if row is None or row.expires_at <= datetime.now(UTC):
            return None
        if row.digest != idempotency_key.digest:
            raise KeyReused
        return row

    def keep(
        self,
        caller: int,
        idempotency_key: IdempotencyKey,
        done: bool = True,
        post_id: UUID | None = None,
        user_id: int | None = None,
    ) -> None:
        """Write a key's row down, for a day."""
        expires_at = datetime.now(UTC) + timedelta(hours=24)
        self.keys[caller, idempotency_key.key] = KeyRow(idempotency_key.digest, expires_at, post_id, user_id, done)

    def let_a_day_pass(self) -> None:
        """Make every key a day older."""
        for row in self.keys.values():
            row.expires_at -= timedelta(hours=24)

    def let_tokens_age(self, days: int) -> None:
        """Make every token so many days older."""
        age = timedelta(days=days)
        for row in self.tokens.values():
            row.token = replace(row.token, created_at=row.token.created_at - age, expires_at=row.token.expires_at - age)
            row.revoked_at = row.revoked_at and row.revoked_at - age

    def taken(self, username: str, name_key: str, hold_days: int) -> tuple[bool, bool] | None:
        """Return why a name is not to be had: whether it reads the same, and whether its owner is deleted."""
        like, since = look(username), datetime.now(UTC) - timedelta(days=hold_days)
        held = [(key, shape) for key, shape, at in self.held if hold_days and at > since]
        if name_key in self.names:
            return True, False
        if any(key == name_key for key, _ in held):
            return True, True
        if like in self.looks:
            return False, False
        return (False, True) if any(shape == like for _, shape in held) else None

    def hold_name(self, user: int, at: datetime) -> None:
        """Take the name of a user who is deleted; it stays reserved for a while."""
        [key] = [key for key, ident in self.names.items() if ident == user]
        [like] = [like for like, ident in self.looks.items() if ident == user]
        self.held.append((key, like, at))
        del self.names[key], self.looks[like]

    def next_user(self) -> int:
        """Give out an id."""
        self.last_user += 1
        return self.last_user

    def add_user(
        self, username: str, name_key: str, credentials: Credentials = NO_CREDENTIALS, ident: int | None = None
    ) -> User:
        """Add a user whose name is free."""
        user = User(ident or self.next_user(), username, datetime.now(UTC))
        self.users[user.id] = user
        self.names[name_key] = user.id
        self.looks[look(username)] = user.id
        if credentials.password:
            self.passwords[user.id] = credentials.password
        if credentials.token:
            self.add_token(user.id, credentials.token, registered=True)
        return user

    def add_token(self, user: int, new: NewToken, registered: bool = False) -> Token:
        """Add a token of a user who is there. Raises NotFound."""
        self.require(user)
        self.last_token += 1
        now = datetime.now(UTC)
        token = Token(self.last_token, user, new.hash, new.name, now, None, now + new.life)
        self.tokens[token.id] = TokenRow(token, registered)
        return token

    def live_tokens(self, user: int) -> list[TokenRow]:
        """Return a user's live tokens, by id."""
        return [row for row in self.tokens.values() if row.token.user == user and row.live]

    def drop_tokens(self, user: int, only_registered: bool = False) -> None:
        """Remove a user's tokens, or the one that registering gave."""
        gone = [row for row in self.tokens.values() if row.token.user == user and row.registered >= only_registered]
        for row in gone:
            del self.tokens[row.token.id]

    def write_edge(self, follower: int, followee: int, following: bool, at: datetime, above: int = 0) -> Edge:
        """Change an edge, with its event; its version is ``above`` another."""
        before = self.edges.get((follower, followee))
        version = max(before.version + 1 if before else 0, (self.era << 40) + 1, above + 1)
        edge = Edge(follower, followee, following, version, at)
        self.edges[follower, followee] = edge
        self.publish(edge)
        return edge

    def publish(self, edge: Edge, restate: bool = False) -> None:
        """Add the event of an edge's last change."""
        event = EdgeChanged(
            follower_id=edge.follower,
            followee_id=edge.followee,
            version=edge.version,
            at=edge.changed_at,
            restate=restate,
        )
        self.add_event(USER_FOLLOW if edge.following else USER_UNFOLLOW, event)

    def add_event(self, topic: str, event: Event) -> None:
        """Add an event to the outbox, and wake the relay."""
        self.last_event += 1
        self.outbox[self.last_event] = OutboxRecord(self.last_event, topic, event.key, event.encode(), event_headers())
        self.changed.set()
