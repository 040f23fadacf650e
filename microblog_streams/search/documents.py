"""What the index keeps: a document for each post and each user, with a version that makes the order of writes free.

The engine refuses a lower version than it has, so redelivered and late events change nothing. A deletion is a document
that nothing finds, not a removed one: an engine forgets a removed document's version after a minute, and a late
``post.created`` would bring it back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from microblog_streams.domain.ids import MAX_USER_ID, post_millis
from microblog_streams.domain.models import Post, User
from microblog_streams.operations.validation import name_key
from microblog_streams.search.analysis import analyse, fold, tokens
from microblog_streams.search.query import trigrams

#: Versions of a post: it is written once, and may be deleted once.
CREATED_VERSION, DELETED_VERSION = 1, 2
#: The version of a deleted user, above all others.
DELETED_USER_VERSION: Final = MAX_USER_ID


class Kind(StrEnum):
    """The two indices."""

    POSTS = "posts"
    USERS = "users"


@dataclass(frozen=True, slots=True)
class Write:
    """One document to write. ``fields`` is what the engine gets, by the names in ``engine_mappings``."""

    kind: Kind
    ident: str
    version: int
    fields: Mapping[str, Any]


def post_write(post: Post) -> Write:
    """Return the document of a post; of a deleted one nothing but its deletion."""
    if post.deleted:
        return deleted_post(post.id)
    terms = analyse(post.content)
    fields = {
        "author": post.author,
        "created": post_millis(post.id),
        "id": str(post.id),
        "terms": " ".join(terms.words),
        "tags": terms.tags,
        "mentions": terms.mentions,
    }
    return Write(Kind.POSTS, str(post.id), CREATED_VERSION, fields)


def deleted_post(post_id: UUID) -> Write:
    """Return the document of a deleted post."""
    return Write(Kind.POSTS, str(post_id), DELETED_VERSION, {})


def user_write(user: User, changed_at: datetime | None = None, followers: int = 0) -> Write:
    """Return the document of a user as of ``changed_at``, by default their registration. ``followers`` ranks equals."""
    version = round((changed_at or user.created_at).timestamp() * 1_000_000)
    name = fold(user.username)
    words = [token.term for text in (user.username, user.display_name) for token in tokens(text)]
    names = list(dict.fromkeys([name, *words]))
    fields = {
        "user": user.id,
        "key": name_key(user.username),
        "names": names,
        "grams": " ".join(dict.fromkeys(gram for each in names for gram in trigrams(each))),
        "followers": followers,
    }
    return Write(Kind.USERS, str(user.id), version, fields)


def deleted_user(user: int) -> Write:
    """Return the document of a deleted user."""
    return Write(Kind.USERS, str(user), DELETED_USER_VERSION, {})
