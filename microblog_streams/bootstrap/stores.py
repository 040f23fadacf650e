"""The stores and the operations on them: which implementation is behind each protocol of ``ports``."""

from dataclasses import dataclass
from datetime import timedelta

from microblog_streams import operations
from microblog_streams.config.settings import Settings
from microblog_streams.metrics.store_calls import StoreCalls, all_measured, measured
from microblog_streams.ports import EventLog, Followers, NewestPosts
from microblog_streams.search.engine import Engine
from microblog_streams.search.engine_index import EngineIndex
from microblog_streams.search.index import SearchIndex
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.posts import Posts
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.credentials import Passwords, Tokens
from microblog_streams.stores.postgres.deployment import EdgeAudits
from microblog_streams.stores.postgres.follows import Blocks, Follows
from microblog_streams.stores.postgres.idempotency import Idempotency
from microblog_streams.stores.postgres.outbox import Outbox
from microblog_streams.stores.postgres.profiles import Profiles
from microblog_streams.stores.postgres.resolved_letters import ResolvedLetters
from microblog_streams.stores.postgres.users import Users
from microblog_streams.stores.redis.caches import PageCache, PostCache, UserCache
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.live import LiveLogs
from microblog_streams.stores.redis.rates import SharedRates
from microblog_streams.stores.redis.timeline_keys import TimelineCount
from microblog_streams.stores.redis.timelines import Timelines
from microblog_streams.stores.redis.worker_registry import WorkerRegistry


@dataclass(frozen=True)
class PostgresStores:
    """What is kept in PostgreSQL."""

    users: Users
    profiles: Profiles
    follows: Follows
    blocks: Blocks
    tokens: Tokens
    passwords: Passwords
    idempotency: Idempotency
    outbox: Outbox
    edge_audits: EdgeAudits
    resolved_letters: ResolvedLetters


@dataclass(frozen=True)
class RedisStores:
    """What is kept in Redis."""

    timelines: Timelines
    live: LiveLogs
    post_cache: PostCache
    user_cache: UserCache
    page_cache: PageCache
    rates: SharedRates
    timeline_count: TimelineCount
    worker_registry: WorkerRegistry


@dataclass(frozen=True)
class Stores:
    """The three connections, none of them open yet, and what is read and written through each."""

    postgres: Postgres
    cassandra: Cassandra
    redis: Redis
    in_postgres: PostgresStores
    in_redis: RedisStores
    posts: Posts
    #: The connection to the search engine, and the index there; None without search.
    engine: Engine | None
    search_index: SearchIndex | None
    #: The times and failures of all calls through the parts.
    calls: StoreCalls


def build_stores(settings: Settings, era: int) -> Stores:
    """Return the stores; ``era`` is the last that this worker knew."""
    postgres, cassandra, redis = Postgres(settings, era), Cassandra(settings), Redis(settings)
    calls = StoreCalls()
    engine = Engine(settings) if settings.has_search else None
    return Stores(
        postgres,
        cassandra,
        redis,
        in_postgres=all_measured(calls, postgres.name, _in_postgres(postgres, settings)),
        in_redis=all_measured(calls, redis.name, _in_redis(redis, postgres)),
        posts=measured(calls, cassandra.name, "posts", Posts(cassandra)),
        engine=engine,
        search_index=measured(calls, engine.name, "index", EngineIndex(engine, settings.search_prefix))
        if engine
        else None,
        calls=calls,
    )


def _in_postgres(postgres: Postgres, settings: Settings) -> PostgresStores:
    return PostgresStores(
        users=Users(postgres, settings.name_hold_days, announced=settings.has_search),
        profiles=Profiles(postgres, announced=settings.has_search),
        follows=Follows(postgres),
        blocks=Blocks(postgres),
        tokens=Tokens(postgres),
        passwords=Passwords(postgres),
        idempotency=Idempotency(postgres),
        outbox=Outbox(postgres),
        edge_audits=EdgeAudits(postgres),
        resolved_letters=ResolvedLetters(postgres),
    )


def _in_redis(redis: Redis, postgres: Postgres) -> RedisStores:
    def era() -> int:
        return postgres.era.number

    return RedisStores(
        timelines=Timelines(redis),
        live=LiveLogs(redis),
        post_cache=PostCache(redis),
        user_cache=UserCache(redis, era),
        page_cache=PageCache(redis, era),
        rates=SharedRates(redis),
        timeline_count=TimelineCount(redis),
        worker_registry=WorkerRegistry(redis),
    )


def build_operations(
    settings: Settings, stores: Stores, log: EventLog, newest_posts: NewestPosts, followers: Followers
) -> operations.Operations:
    """Return the operations, which see the stores as protocols."""
    in_postgres, in_redis = stores.in_postgres, stores.in_redis
    ports = operations.Stores(
        log=log,
        newest_posts=newest_posts,
        users=in_postgres.users,
        profiles=in_postgres.profiles,
        follows=in_postgres.follows,
        blocks=in_postgres.blocks,
        idempotency=in_postgres.idempotency,
        tokens=in_postgres.tokens,
        passwords=in_postgres.passwords,
        posts=stores.posts,
        timelines=in_redis.timelines,
        live=in_redis.live,
        post_cache=in_redis.post_cache,
        user_cache=in_redis.user_cache,
        page_cache=in_redis.page_cache,
        followers=followers,
    )
    token_life = timedelta(days=settings.token_days)
    return operations.operations(ports, token_life, settings.max_followees, lambda: stores.postgres.era)
