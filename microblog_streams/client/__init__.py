"""A Python client of the API: async and typed, with retries that are safe.

    async with Client("http://localhost:6066") as client:
        ada = client.acting_as((await client.register("ada")).identity)
        await ada.post("Hello, world")

It imports nothing of the server: all that it relies on is in docs/api.md.
"""

from microblog_streams.client.client import Client
from microblog_streams.client.errors import (
    ApiError,
    BadAnswer,
    Blocked,
    ClientError,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    KeyReused,
    NotFound,
    OutcomeUnknown,
    Problem,
    TooManyFollowees,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    Unfinished,
    Unreachable,
    UsernameTaken,
)
from microblog_streams.client.live import LiveEvent
from microblog_streams.client.models import (
    Blocking,
    Following,
    FoundPost,
    Highlight,
    Identity,
    NewToken,
    Post,
    Profile,
    Registered,
    Token,
    Trend,
    User,
)
from microblog_streams.client.pages import Listing, Page

__all__ = [
    "ApiError",
    "BadAnswer",
    "Blocked",
    "Blocking",
    "Client",
    "ClientError",
    "Conflict",
    "FieldError",
    "Following",
    "Forbidden",
    "FoundPost",
    "Highlight",
    "Identity",
    "Invalid",
    "KeyReused",
    "Listing",
    "LiveEvent",
    "NewToken",
    "NotFound",
    "OutcomeUnknown",
    "Page",
    "Post",
    "Problem",
    "Profile",
    "Registered",
    "Token",
    "TooManyFollowees",
    "TooManyRequests",
    "Trend",
    "Unauthenticated",
    "Unavailable",
    "Unfinished",
    "Unreachable",
    "User",
    "UsernameTaken",
]
