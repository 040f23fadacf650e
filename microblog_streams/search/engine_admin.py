"""What ``search reindex`` and ``search verify`` do with the engine beyond reading and writing: versions and aliases."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from microblog_streams.domain.errors import MicroblogError, StoreUnavailable
from microblog_streams.search.documents import Kind, Write
from microblog_streams.search.engine import BULK_SECONDS, Engine, Json, reason
from microblog_streams.search.engine_index import EngineIndex, send

#: Documents of one page of the index.
PAGE_DOCUMENTS: Final = 1_000
#: For so long an engine keeps what the next page of a scroll needs.
_SCROLL: Final = "1m"
#: The field by which all documents of a kind are gone through; a deleted one has none.
_ORDER: Final = {Kind.POSTS: "id", Kind.USERS: "user"}


@dataclass(frozen=True, slots=True)
class Document:
    """What the index has of a post or user. ``names`` are a user's."""

    version: int
    deleted: bool
    names: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class NextIndex:
    """An index that is being filled. ``after``: the last id that is certainly in it."""

    kind: Kind
    name: str
    after: str | None


class RebuildOvertaken(MicroblogError):
    """Another process has switched to the index that is being filled, or has deleted it."""


class IndexAdmin:
    """Versioned indices. All methods raise StoreUnavailable."""

    def __init__(self, index: EngineIndex) -> None:
        """``index`` gives the names."""
        self._index = index
        self._engine: Engine = index.engine

    async def documents(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, Document]:
        """Return what the index has of these, by id."""
        body = {"ids": list(ids)}
        answer = await self._call(lambda client: client.mget(index=self._index.alias(kind), body=body))
        _check_read(answer["docs"])
        return {each["_id"]: _document(kind, each) for each in answer["docs"] if each["found"]}

    async def ids(self, kind: Kind) -> AsyncIterator[Sequence[str]]:
        """Yield the ids of all documents that are found, in pages."""
        field, after = _ORDER[kind], None
        while True:
            body: Json = {
                "query": {"exists": {"field": field}},
                "sort": [{field: "asc"}],
                "size": PAGE_DOCUMENTS,
                "_source": False,
            }
            if after is not None:
                body["search_after"] = after
            request = body
            answer = await self._call(
                lambda client, sent=request: client.search(index=self._index.alias(kind), body=sent)
            )
            hits = answer["hits"]["hits"]
            if not hits:
                return
            yield [hit["_id"] for hit in hits]
            after = hits[-1]["sort"]

    async def deletions(self, kind: Kind) -> AsyncIterator[Sequence[Write]]:
        """Yield the deletions in the index, in pages. They have no field to sort by: all engines know a scroll."""
        query: Json = {"bool": {"must_not": [{"exists": {"field": _ORDER[kind]}}]}}
        body = {"query": query, "sort": ["_doc"], "size": PAGE_DOCUMENTS, "_source": False, "version": True}
        alias = self._index.alias(kind)
        answer = await self._call(lambda client: client.search(index=alias, body=body, scroll=_SCROLL))
        while hits := answer["hits"]["hits"]:
            yield [Write(kind, hit["_id"], hit["_version"], {}) for hit in hits]
            following = {"scroll_id": answer["_scroll_id"], "scroll": _SCROLL}
            answer = await self._call(lambda client, sent=following: client.scroll(body=sent))
        over = {"scroll_id": [answer["_scroll_id"]]}
        await self._call(lambda client: client.clear_scroll(body=over))

    async def refresh(self, kind: Kind) -> None:
        """Make everything that was written searchable."""
        await self._call(lambda client: client.indices.refresh(index=self._index.alias(kind)))

    async def begin(self, kind: Kind) -> NextIndex:
        """Create the next index, or find that of a rebuild that was interrupted."""
        for name, meta in (await self._index.indices_behind(self._index.next_alias(kind))).items():
            return NextIndex(kind, name, meta.get("after"))
        current = await self._index.indices_behind(self._index.alias(kind))
        number = max((_number(name) for name in current), default=0) + 1
        return NextIndex(kind, await self._index.create(kind, number, self._index.next_alias(kind)), None)

    async def fill(self, target: NextIndex, writes: Sequence[Write]) -> Sequence[Exception | None]:
        """Write documents into that index alone. Raises RebuildOvertaken."""
        filling = self._index.next_alias(target.kind)
        outcomes = await send(self._engine, writes, {target.kind: [filling]})
        if any(outcomes) and target.name not in await self._index.indices_behind(filling):
            raise RebuildOvertaken(f"{target.name} is no longer being filled: another reindex has switched to it")
        return outcomes

    async def note(self, target: NextIndex, after: str) -> None:
        """Note how far the filling has got, in the index itself."""
        meta = {"_meta": {"after": after}}
        await self._call(lambda client: client.indices.put_mapping(index=target.name, body=meta))

    async def switch(self, target: NextIndex) -> Sequence[str]:
        """Let the alias stand for that index, in one step; return the indices that it stood for."""
        alias, filling = self._index.alias(target.kind), self._index.next_alias(target.kind)
        before = [name for name in await self._index.indices_behind(alias) if name != target.name]
        actions: list[Json] = [{"remove": {"index": name, "alias": alias}} for name in before]
        actions.append({"add": {"index": target.name, "alias": alias}})
        actions.append({"remove": {"index": target.name, "alias": filling}})
        await self._call(lambda client: client.indices.refresh(index=target.name))
        await self._call(lambda client: client.indices.update_aliases(body={"actions": actions}))
        return before

    async def delete(self, names: Sequence[str]) -> None:
        """Delete indices."""
        for name in names:
            await self._call(lambda client, index=name: client.indices.delete(index=index))

    async def _call(self, send_request: Any) -> Json:  # noqa: ANN401 - a call of the client, which has no types
        return await self._engine.call(send_request, BULK_SECONDS)


def _document(kind: Kind, found: Mapping[str, Any]) -> Document:
    source = found["_source"]
    return Document(found["_version"], not source, source.get("names", ()) if kind is Kind.USERS else ())


def _check_read(documents: Sequence[Mapping[str, Any]]) -> None:
    """Raise StoreUnavailable where one could not be read: it is not known to be missing."""
    for each in documents:
        if "error" in each:
            raise StoreUnavailable("search", reason(each))


def _number(name: str) -> int:
    digits = name.rpartition("-")[2]
    if not digits.isdecimal():
        raise StoreUnavailable("search", f"the index {name} has a name that this system does not give")
    return int(digits)
