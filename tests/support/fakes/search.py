"""The search index in memory: it keeps the documents that the engine would get, and looks for terms in them."""

from collections import defaultdict
from datetime import datetime
from uuid import UUID

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import post_millis
from microblog_streams.search.analysis import Token
from microblog_streams.search.documents import Kind, Write
from microblog_streams.search.highlights import places
from microblog_streams.search.index import PostFilter, Rejected, TagUse
from microblog_streams.search.query import Clauses, NameQuery

_FIELDS = {
    Kind.POSTS: {"author", "created", "id", "terms", "tags", "mentions"},
    Kind.USERS: {"user", "key", "names", "grams", "followers"},
}


class FakeSearchIndex:
    """A ``SearchIndex``. ``away`` makes every call fail; ``read_only`` every write, as after a full disk."""

    def __init__(self) -> None:
        self.documents: dict[Kind, dict[str, Write]] = {kind: {} for kind in Kind}
        self.away = False
        self.read_only = False

    async def refresh(self) -> None:
        """Nothing: a document is found at once."""

    async def write(self, writes):
        self._answer()
        return [self._write(write) for write in writes]

    def _write(self, write: Write) -> Exception | None:
        if self.read_only:
            return StoreUnavailable("search", "read-only")
        if not set(write.fields) <= _FIELDS[write.kind]:
            return Rejected("strict_dynamic_mapping_exception")
        documents = self.documents[write.kind]
        known = documents.get(write.ident)
        if known is None or known.version <= write.version:
            documents[write.ident] = write
        return None

    async def newest(self, wanted: PostFilter, before: UUID | None, limit: int) -> list[UUID]:
        found = [ident for ident, _ in self._matching(wanted) if before is None or ident < before]
        return sorted(found, reverse=True)[:limit]

    async def best(self, wanted: PostFilter, limit: int) -> list[UUID]:
        ranked = sorted(((score, ident) for ident, score in self._matching(wanted)), reverse=True)
        return [ident for _, ident in ranked[:limit]]

    async def users(self, wanted: NameQuery, limit: int) -> list[int]:
        self._answer()
        ranked = []
        for write in self.documents[Kind.USERS].values():
            if write.fields and (rank := _rank(wanted, write)):
                ranked.append((-rank, -write.fields["followers"], write.fields["user"]))
        return [user for _, _, user in sorted(ranked)][:limit]

    async def tags(self, since: datetime, until: datetime, limit: int) -> list[TagUse]:
        self._answer()
        first, last = since.timestamp() * 1000, until.timestamp() * 1000
        authors: dict[str, list[int]] = defaultdict(list)
        for write in self.documents[Kind.POSTS].values():
            if write.fields and first <= write.fields["created"] < last:
                for tag in write.fields["tags"]:
                    authors[tag].append(write.fields["author"])
        uses = [TagUse(tag, len(set(by)), len(by)) for tag, by in authors.items()]
        return sorted(uses, key=lambda use: -use.authors)[:limit]

    def _matching(self, wanted: PostFilter) -> list[tuple[UUID, float]]:
        self._answer()
        found = []
        for write in self.documents[Kind.POSTS].values():
            if write.fields and _is_wanted(wanted, write):
                found.append((UUID(write.ident), _score(wanted.query.required, write)))
        return found

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("search", "away")


def _is_wanted(wanted: PostFilter, write: Write) -> bool:
    query, fields = wanted.query, write.fields
    millis = post_millis(UUID(write.ident)) / 1000
    in_period = (query.after is None or query.after.timestamp() <= millis) and (
        query.before is None or millis < query.before.timestamp()
    )
    by = (wanted.author in (None, fields["author"])) and fields["author"] not in wanted.not_by
    required, excluded = _held(query.required, write), _held(query.excluded, write)
    return in_period and by and all(required) and not any(excluded)


def _held(clauses: Clauses, write: Write) -> list[bool]:
    tokens = _tokens(write)
    return [
        *(any(places(tokens, phrase)) for phrase in clauses.phrases),
        *(tag in write.fields["tags"] for tag in clauses.tags),
        *(name in write.fields["mentions"] for name in clauses.mentions),
    ]


def _score(required: Clauses, write: Write) -> float:
    tokens = _tokens(write)
    return sum(len(list(places(tokens, phrase))) for phrase in required.phrases) / (len(tokens) or 1)


def _tokens(write: Write) -> list[Token]:
    return [Token(term, at, at + 1) for at, term in enumerate(write.fields["terms"].split())]


def _rank(wanted: NameQuery, write: Write) -> float:
    names = write.fields["names"]
    if wanted.name in names:
        return 10_000
    if any(name.startswith(wanted.name) for name in names):
        return 1_000
    grams = write.fields["grams"].split()
    common = sum(gram in grams for gram in wanted.grams)
    return common if wanted.grams and common >= int(0.6 * len(wanted.grams)) and common else 0
