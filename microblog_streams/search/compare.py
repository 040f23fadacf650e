"""Compares the index with the stores, and writes again what differs.

It goes both ways: what the stores have must be found, and what is found must be in the stores. What looks wrong is
compared again after a while, because its event may be on its way.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from microblog_streams.ports import Progress
from microblog_streams.search.documents import Kind, Write
from microblog_streams.search.engine_admin import Document, IndexAdmin
from microblog_streams.search.engine_index import EngineIndex
from microblog_streams.search.rebuild import PAGE, Sources, write_all

#: Seconds before what looks wrong is compared again, and how often that is done.
RECHECK_SECONDS: Final = 3.0
_REPEATS: Final = 2


@dataclass
class Comparison:
    """Counts what was compared, and keeps the documents that should be there and are not."""

    index: EngineIndex
    sources: Sources
    progress: Progress
    recheck_seconds: float = RECHECK_SECONDS
    checked: Counter[Kind] = field(default_factory=Counter)
    wrong: dict[tuple[Kind, str], Write] = field(default_factory=dict)

    async def run(self, kind: Kind, total: int | None = None) -> None:
        """Compare all documents of a kind."""
        admin = IndexAdmin(self.index)
        await admin.refresh(kind)
        self.progress.step(f"{kind} of the stores", total)
        async for _, page in self.sources.pages(kind, None):
            await self._compare(admin, kind, page)
            self.checked[kind] += len(page)
            self.progress.update(self.checked[kind])
        self.progress.step(f"{kind} of the index", total)
        async for ids in admin.ids(kind):
            gone = [write for write in await self.sources.present(kind, ids) if not write.fields]
            self._keep(gone)
        await self._compare_again(admin, kind)

    async def repair(self) -> None:
        """Write what is wrong."""
        wrong = list(self.wrong.values())
        self.progress.step("writing again", len(wrong))
        for start in range(0, len(wrong), PAGE):
            await write_all(self.index.write, wrong[start : start + PAGE])
            self.progress.update(start)

    async def _compare_again(self, admin: IndexAdmin, kind: Kind) -> None:
        for _ in range(_REPEATS):
            ids = [ident for found, ident in self.wrong if found is kind]
            if not ids:
                return
            self.progress.step(f"{len(ids)} {kind} look wrong: comparing again")
            await asyncio.sleep(self.recheck_seconds)
            self.wrong = {key: write for key, write in self.wrong.items() if key[0] is not kind}
            for start in range(0, len(ids), PAGE):
                await self._compare(admin, kind, await self.sources.present(kind, ids[start : start + PAGE]))

    async def _compare(self, admin: IndexAdmin, kind: Kind, page: Sequence[Write]) -> None:
        there = await admin.documents(kind, [write.ident for write in page])
        self._keep([_newer(write, there) for write in page if not _equals(write, there.get(write.ident))])

    def _keep(self, writes: Sequence[Write]) -> None:
        self.wrong.update({(write.kind, write.ident): write for write in writes})


def _equals(write: Write, document: Document | None) -> bool:
    if not write.fields:
        return document is None or document.deleted
    if document is None or document.deleted:
        return False
    return write.kind is Kind.POSTS or sorted(document.names) == sorted(write.fields["names"])


def _newer(write: Write, there: Mapping[str, Document]) -> Write:
    """Return the document with a version that the engine takes in place of the one it has."""
    known = there.get(write.ident)
    return replace(write, version=max(write.version, known.version)) if known else write
