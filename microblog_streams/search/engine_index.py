"""The ``SearchIndex`` on an engine: versioned indices behind aliases.

``<prefix>-posts`` and ``<prefix>-users`` are aliases. Each stands for one index, ``<prefix>-posts-1``, from which all
reads come. While ``search reindex`` fills the next one, the alias ``<prefix>-posts-next`` stands for that, and every
write goes to both: so no event of that time is missing when the alias is switched. Which aliases there are is read
again every ``TARGETS_SECONDS``. A write requires that its alias exists: else an engine would make an index of that
name, without our mappings, where one was deleted.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, Final
from uuid import UUID

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.search import engine_requests
from microblog_streams.search.documents import Kind, Write
from microblog_streams.search.engine import BULK_SECONDS, NAME, Engine, Json, is_passing, reason
from microblog_streams.search.index import PostFilter, Rejected, TagUse
from microblog_streams.search.query import NameQuery

#: Seconds for which the names of the indices are remembered; a rebuild waits longer before and after it switches.
TARGETS_SECONDS: Final = 2.0
#: How a document's status says that a newer version is there.
_CONFLICT: Final = 409
#: How an engine refuses to create an index that another process has created at the same moment.
_EXISTS: Final = "resource_already_exists_exception"
#: What is read of a bulk request's answer: a sixth of it.
_OUTCOMES: Final = "items.*.status,items.*.error"
#: Bytes of a bulk request. An indexer that catches up sends all that its partitions hold at once, which can be more
#: than engines take: 100 MB by default (``http.max_content_length``), hosted ones 10 MB.
MAX_BULK_BYTES: Final = 5 * 1024**2
_json = json.JSONEncoder(ensure_ascii=False).encode

_SETTINGS: Final = {
    "number_of_shards": 1,
    "auto_expand_replicas": "0-1",
    "refresh_interval": "1s",
}
_PROPERTIES: Final[Mapping[Kind, Json]] = {
    Kind.POSTS: {
        "author": {"type": "long"},
        "created": {"type": "long"},
        "id": {"type": "keyword"},
        # Analysed by the application: the engine only splits at spaces.
        "terms": {"type": "text", "analyzer": "whitespace"},
        "tags": {"type": "keyword"},
        "mentions": {"type": "keyword", "doc_values": False},
    },
    Kind.USERS: {
        "user": {"type": "long"},
        "key": {"type": "keyword"},
        "names": {"type": "keyword", "doc_values": False},
        "grams": {"type": "text", "analyzer": "whitespace", "norms": False, "index_options": "docs"},
        "followers": {"type": "long"},
    },
}


class EngineIndex:
    """Posts and users in an engine."""

    def __init__(self, engine: Engine, prefix: str) -> None:
        """``prefix`` is the beginning of all names of indices and aliases."""
        self.engine = engine
        self._prefix = prefix
        self._targets: dict[Kind, list[str]] = {}
        self._targets_read_at = float("-inf")

    def alias(self, kind: Kind) -> str:
        """Return the alias from which documents are read."""
        return f"{self._prefix}-{kind}"

    def next_alias(self, kind: Kind) -> str:
        """Return the alias of the index that is being filled."""
        return f"{self._prefix}-{kind}-next"

    async def prepare(self) -> None:
        """Create both indices, where there are none."""
        for kind in Kind:
            if not await self._exists(self.alias(kind)):
                await self.create(kind, 1, self.alias(kind))

    async def create(self, kind: Kind, number: int, alias: str) -> str:
        """Create an empty index behind an alias; return its name. One that another process has made stays as it is."""
        name = f"{self._prefix}-{kind}-{number}"
        mappings = {
            "dynamic": "strict",
            # A third of the size; nothing reads them back.
            "_source": {"excludes": ["terms", "grams"]},
            "properties": _PROPERTIES[kind],
        }
        body = {"settings": _SETTINGS, "mappings": mappings, "aliases": {alias: {}}}
        if not await self._exists(name):
            answer = await self.engine.call(
                lambda client: client.indices.create(index=name, body=body, ignore=400), BULK_SECONDS
            )
            _check_created(answer, name)
        self._targets_read_at = float("-inf")
        return name

    async def _exists(self, name: str) -> bool:
        return bool(await self.engine.call(lambda client: client.indices.exists(index=name)))

    async def indices_behind(self, alias: str) -> Mapping[str, Json]:
        """Return the indices behind an alias with their mappings' ``_meta``, none where there is no such alias."""
        found = await self.engine.call(lambda client: client.indices.get_mapping(index=f"{alias}*"))
        aliased = await self.engine.call(lambda client: client.indices.get_alias(index=f"{alias}*"))
        return {
            name: found[name]["mappings"].get("_meta", {})
            for name, has in aliased.items()
            if alias in has["aliases"] and name in found
        }

    async def write(self, writes: Sequence[Write]) -> Sequence[Exception | None]:
        """Write to all indices of each kind; a document has the worst of its outcomes."""
        outcomes = await send(self.engine, writes, await self._current_targets())
        if any(isinstance(outcome, StoreUnavailable) for outcome in outcomes):
            self._targets_read_at = float("-inf")  # an alias may have been switched
        return outcomes

    async def _current_targets(self) -> Mapping[Kind, Sequence[str]]:
        asked_at = monotonic()
        if asked_at - self._targets_read_at > TARGETS_SECONDS:
            pattern = f"{self._prefix}-*"
            found = await self.engine.call(lambda client: client.indices.get_alias(index=pattern))
            there = {alias for has in found.values() for alias in has["aliases"]}
            self._targets = {
                kind: [alias for alias in (self.alias(kind), self.next_alias(kind)) if alias in there] for kind in Kind
            }
            self._targets_read_at = asked_at
        if not all(self.alias(kind) in self._targets[kind] for kind in Kind):
            self._targets_read_at = float("-inf")
            raise StoreUnavailable(self.engine.name, "its indices are not there: an indexer makes them when it starts")
        return self._targets

    async def refresh(self) -> None:
        """Make all documents that were written findable."""
        aliases = ",".join(map(self.alias, Kind))
        await self.engine.call(lambda client: client.indices.refresh(index=aliases), BULK_SECONDS)

    async def newest(self, wanted: PostFilter, before: UUID | None, limit: int) -> Sequence[UUID]:
        """Return the newest posts below ``before``, newest first."""
        return await self._post_ids(engine_requests.newest_posts(wanted, before, limit))

    async def best(self, wanted: PostFilter, limit: int) -> Sequence[UUID]:
        """Return the posts that match best."""
        return await self._post_ids(engine_requests.best_posts(wanted, limit))

    async def users(self, wanted: NameQuery, limit: int) -> Sequence[int]:
        """Return users by name."""
        hits = await self._search(Kind.USERS, engine_requests.users(wanted, limit))
        return [int(hit["_id"]) for hit in hits["hits"]["hits"]]

    async def tags(self, since: datetime, until: datetime, limit: int) -> Sequence[TagUse]:
        """Return the hashtags of a period with the most distinct authors."""
        answer = await self._search(Kind.POSTS, engine_requests.tag_uses(since, until, limit))
        buckets = answer["aggregations"]["tags"]["buckets"]
        return [TagUse(bucket["key"], bucket["authors"]["value"], bucket["doc_count"]) for bucket in buckets]

    async def _post_ids(self, request: Json) -> list[UUID]:
        answer = await self._search(Kind.POSTS, request)
        return [UUID(hit["_id"]) for hit in answer["hits"]["hits"]]

    async def _search(self, kind: Kind, request: Json) -> Json:
        answer = await self.engine.call(lambda client: client.search(index=self.alias(kind), body=request))
        if answer["timed_out"] or answer["_shards"]["failed"]:
            raise StoreUnavailable(self.engine.name, "it answered for a part of the index only")
        return answer


async def send(
    engine: Engine, writes: Sequence[Write], targets: Mapping[Kind, Sequence[str]]
) -> Sequence[Exception | None]:
    """Write documents behind these aliases by bulk requests; return the outcome of each.

    Where a request fails, its documents and those after it have that outcome. Raises StoreUnavailable where it is the
    first one.
    """
    outcomes: list[Exception | None] = []
    for part, body in _requests(writes, targets):
        try:
            outcomes += await _send_one(engine, part, body, targets)
        except StoreUnavailable as exc:
            if not outcomes:
                raise
            outcomes += [exc] * (len(writes) - len(outcomes))
            break
    return outcomes


def _requests(writes: Sequence[Write], targets: Mapping[Kind, Sequence[str]]) -> Iterator[tuple[list[Write], bytes]]:
    """Yield the documents of each request, with its body."""
    part: list[Write] = []
    lines: list[bytes] = []
    size = 0
    for write in writes:
        document = "".join(line for alias in targets[write.kind] for line in _lines(write, alias)).encode(
            "utf-8", "surrogatepass"
        )
        if part and size + len(document) > MAX_BULK_BYTES:
            yield part, b"".join(lines)
            part, lines, size = [], [], 0
        part.append(write)
        lines.append(document)
        size += len(document)
    if part:
        yield part, b"".join(lines)


async def _send_one(
    engine: Engine, writes: Sequence[Write], body: bytes, targets: Mapping[Kind, Sequence[str]]
) -> list[Exception | None]:
    owners = [position for position, write in enumerate(writes) for _ in targets[write.kind]]
    answer = await engine.call(lambda client: client.bulk(body=body, filter_path=_OUTCOMES), BULK_SECONDS)
    outcomes: list[Exception | None] = [None] * len(writes)
    for position, item in zip(owners, answer["items"], strict=True):
        outcomes[position] = outcomes[position] or _outcome(item["index"])
    return outcomes


class PreparedIndex:
    """A ``Connection`` that makes the indices when it connects, where there are none: the indexer's."""

    name = NAME

    def __init__(self, engine: Engine, index: EngineIndex) -> None:
        """Open nothing yet."""
        self._engine = engine
        self._index = index

    async def connect(self) -> None:
        """Connect, and make the indices. Raises SetupError, StoreUnavailable."""
        await self._engine.connect()
        await self._index.prepare()

    async def ping(self) -> None:
        """Make a round trip."""
        await self._engine.ping()

    async def close(self) -> None:
        """Close the connection."""
        await self._engine.close()


def _check_created(answer: Json, name: str) -> None:
    """Raise StoreUnavailable where the engine refused to create the index, and not because it exists."""
    error = answer.get("error")
    if error and error["type"] != _EXISTS:
        raise StoreUnavailable(NAME, f"cannot create the index {name}: {reason(answer)}")


def _lines(write: Write, alias: str) -> Iterator[str]:
    action: dict[str, Any] = {
        "_index": alias,
        "require_alias": True,
        "_id": write.ident,
        "version": write.version,
        "version_type": "external_gte",
    }
    yield _json({"index": action}) + "\n"
    yield _json(write.fields) + "\n"


def _outcome(item: Mapping[str, Any]) -> Exception | None:
    status = int(item["status"])
    if status < 300 or status == _CONFLICT:
        return None
    if is_passing(status):
        return StoreUnavailable("search", reason(item))
    return Rejected(reason(item))
