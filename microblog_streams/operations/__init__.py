"""The use cases, one file for each noun, called by web views, agents and commands.

They take their stores as arguments and know nothing of Faust or HTTP. ``Operations`` holds one of each.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from microblog_streams import ports as stores
from microblog_streams.domain.models import Era
from microblog_streams.operations.access import Access, Passwords
from microblog_streams.operations.audit import Audit, PostRows
from microblog_streams.operations.deletions import Deletions
from microblog_streams.operations.fan_out import FanOut, Running
from microblog_streams.operations.follows import Blocks, FollowEffects, Follows
from microblog_streams.operations.lost_commits import LostCommits
from microblog_streams.operations.moderation import Moderation
from microblog_streams.operations.posts import Hydration, Posts
from microblog_streams.operations.profiles import Profiles
from microblog_streams.operations.timelines.live import LiveTimelines
from microblog_streams.operations.timelines.merge_read import MergeRead
from microblog_streams.operations.timelines.read import Timelines
from microblog_streams.operations.timelines.rebuild import Rebuild, RebuildQueue
from microblog_streams.operations.timelines.sources import PublicPosts, Sources
from microblog_streams.operations.tokens import Tokens
from microblog_streams.operations.users import Users

#: Default life of a token.
TOKEN_LIFE: Final = timedelta(days=365)


@dataclass(frozen=True)
class Stores:
    """The stores of all operations."""

    log: stores.EventLog
    newest_posts: stores.NewestPosts
    users: stores.UserStore
    profiles: stores.ProfileStore
    follows: stores.FollowStore
    blocks: stores.BlockStore
    idempotency: stores.IdempotencyStore
    tokens: stores.TokenStore
    passwords: stores.PasswordStore
    posts: stores.PostStore
    timelines: stores.TimelineStore
    live: stores.LiveLog
    post_cache: stores.PostCache
    user_cache: stores.UserCache
    page_cache: stores.PageCache
    followers: stores.Followers


@dataclass(frozen=True)
class Operations:
    """All use cases: of users first, then of events, then audits."""

    access: Access
    tokens: Tokens
    users: Users
    profiles: Profiles
    follows: Follows
    blocks: Blocks
    posts: Posts
    moderation: Moderation
    timelines: Timelines
    live: LiveTimelines
    fan_out: FanOut
    edges: FollowEffects
    deletions: Deletions
    lost_commits: LostCommits
    audit: Audit


def operations(
    on: Stores, token_life: timedelta = TOKEN_LIFE, max_followees: int = 0, era: Callable[[], Era] = Era
) -> Operations:
    """Build the operations on their stores. ``era``: returns PostgreSQL's current era."""
    tokens = Tokens(on.tokens, token_life)
    users = Users(on.users, on.user_cache, on.timelines, tokens)
    hydration = Hydration(on.posts, on.post_cache, on.page_cache, users)
    merge_read = MergeRead(on.follows, on.posts)
    passwords = Passwords(on.passwords)
    posts = Posts(on.log, on.posts, on.post_cache, on.timelines, on.idempotency, users, hydration)
    public = PublicPosts(on.newest_posts, on.users, merge_read, on.timelines.kept)
    source = Sources(merge_read, public)
    rebuilds = RebuildQueue(Rebuild(on.timelines, source))
    timelines = Timelines(on.timelines, users, hydration, on.blocks, source, rebuilds)
    running = Running()
    lost_commits = LostCommits(on.followers, on.follows, on.users, era)
    return Operations(
        access=Access(users, tokens, passwords),
        tokens=tokens,
        users=users,
        profiles=Profiles(on.profiles, users, on.user_cache, on.posts),
        follows=Follows(on.follows, users, max_followees),
        blocks=Blocks(on.blocks, users),
        posts=posts,
        moderation=Moderation(users, posts, passwords),
        timelines=timelines,
        live=LiveTimelines(on.live, on.timelines, timelines, hydration, on.blocks),
        fan_out=FanOut(on.followers, on.posts, on.post_cache, on.timelines, running),
        edges=FollowEffects(on.followers, on.posts, on.timelines, running, lost_commits),
        deletions=Deletions(on.followers, on.posts, on.timelines, on.post_cache, on.user_cache, lost_commits, on.live),
        lost_commits=lost_commits,
        audit=Audit(on.timelines, merge_read, on.users, PostRows(on.posts, on.post_cache)),
    )
