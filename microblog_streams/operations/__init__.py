"""Operations: what the system does, one file a noun, called alike by web views, agents and commands.

They take their stores as arguments and know nothing of Faust or HTTP. ``Operations`` holds one of each.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from microblog_streams import ports as stores
from microblog_streams.domain.models import Era
from microblog_streams.operations.access import Access
from microblog_streams.operations.deletions import Deletions
from microblog_streams.operations.fan_out import FanOut, Running
from microblog_streams.operations.follow_effects import FollowEffects
from microblog_streams.operations.follows import Blocks, Follows
from microblog_streams.operations.lost_commits import LostCommits
from microblog_streams.operations.passwords import Passwords
from microblog_streams.operations.post_rows import PostRows
from microblog_streams.operations.posts import Posts
from microblog_streams.operations.timelines.audit import Audit
from microblog_streams.operations.timelines.hydration import Hydration
from microblog_streams.operations.timelines.merge_read import History
from microblog_streams.operations.timelines.read import Timelines
from microblog_streams.operations.timelines.rebuild import Rebuild, RebuildQueue
from microblog_streams.operations.tokens import Tokens
from microblog_streams.operations.users import Users

#: How long a token is good for unless the settings say otherwise.
TOKEN_LIFE: Final = timedelta(days=365)


@dataclass(frozen=True)
class Stores:
    """Everything that operations stand on."""

    log: stores.EventLog
    users: stores.UserStore
    follows: stores.FollowStore
    blocks: stores.BlockStore
    idempotency: stores.IdempotencyStore
    tokens: stores.TokenStore
    passwords: stores.PasswordStore
    posts: stores.PostStore
    timelines: stores.TimelineStore
    post_cache: stores.PostCache
    user_cache: stores.UserCache
    shelf: stores.PageCache
    followers: stores.Followers


@dataclass(frozen=True)
class Operations:
    """One of each noun; first how people get in and what they do, then what events bring about, and what checks it."""

    access: Access
    tokens: Tokens
    users: Users
    follows: Follows
    blocks: Blocks
    posts: Posts
    timelines: Timelines
    fan_out: FanOut
    edges: FollowEffects
    deletions: Deletions
    losses: LostCommits
    audit: Audit


def operations(
    on: Stores, token_life: timedelta = TOKEN_LIFE, max_followees: int = 0, era: Callable[[], Era] = Era
) -> Operations:
    """Put the operations together on their stores; ``era`` is PostgreSQL's."""
    tokens = Tokens(on.tokens, token_life)
    users = Users(on.users, on.user_cache, on.timelines, tokens)
    bodies = Hydration(on.posts, on.post_cache, on.shelf, users)
    history = History(on.follows, on.posts)
    running = Running()
    losses = LostCommits(on.followers, on.follows, on.users, era)
    return Operations(
        access=Access(users, tokens, Passwords(on.passwords)),
        tokens=tokens,
        users=users,
        follows=Follows(on.follows, users, max_followees),
        blocks=Blocks(on.blocks, users),
        posts=Posts(on.log, on.posts, on.post_cache, on.timelines, on.idempotency, users, bodies),
        timelines=Timelines(on.timelines, users, bodies, history, RebuildQueue(Rebuild(on.timelines, history))),
        fan_out=FanOut(on.followers, on.posts, on.post_cache, on.timelines, running),
        edges=FollowEffects(on.followers, on.posts, on.timelines, running, losses),
        deletions=Deletions(on.followers, on.posts, on.timelines, on.post_cache, on.user_cache, losses),
        losses=losses,
        audit=Audit(on.timelines, history, on.users, PostRows(on.posts, on.post_cache)),
    )
