"""What each store promises, as protocols. The real stores and the in-memory fakes pass the same contract tests.

Every method may raise ``StoreUnavailable``; other errors are named. Pages go by position (``after``, ``before``:
the last id of the page before, exclusive), because positions stay right while rows come and go.
"""

from microblog_streams.ports.events import (
    Bounds,
    DeadLetterReader,
    EventLog,
    Outbox,
    Resolution,
    ResolvedLetters,
    SourceTopics,
)
from microblog_streams.ports.follows import BlockStore, Followers, FollowerSlice, FollowStore, Row, RowSlice
from microblog_streams.ports.infrastructure import Connection, Progress, RateStore
from microblog_streams.ports.live import Arrival, Change, LiveLog
from microblog_streams.ports.posts import CachedPage, NewestPosts, PageCache, PostCache, PostStore, UserCache
from microblog_streams.ports.timelines import Building, Check, TimelinePage, TimelineState, TimelineStore
from microblog_streams.ports.users import (
    BeforeCommit,
    IdempotencyStore,
    PasswordStore,
    ProfileStore,
    TokenStore,
    UserStore,
)

__all__ = [
    "Arrival",
    "BeforeCommit",
    "BlockStore",
    "Bounds",
    "Building",
    "CachedPage",
    "Change",
    "Check",
    "Connection",
    "DeadLetterReader",
    "EventLog",
    "FollowStore",
    "FollowerSlice",
    "Followers",
    "IdempotencyStore",
    "LiveLog",
    "NewestPosts",
    "Outbox",
    "PageCache",
    "PasswordStore",
    "PostCache",
    "PostStore",
    "ProfileStore",
    "Progress",
    "RateStore",
    "Resolution",
    "ResolvedLetters",
    "Row",
    "RowSlice",
    "SourceTopics",
    "TimelinePage",
    "TimelineState",
    "TimelineStore",
    "TokenStore",
    "UserCache",
    "UserStore",
]
