"""Seeing that a page of a timeline is what its reader has already, in one call to Redis.

Most polls find nothing new. A glance knows a page but for its texts, exactly as reading it in full would show it
at that moment; or it does not know, and then the page is read in full. So it can save work and never be wrong.
"""

from dataclasses import dataclass
from uuid import UUID

from microblog_streams.operations.attempts import attempt
from microblog_streams.operations.pages import Page, timeline_above, timeline_below
from microblog_streams.stores.interfaces import GlanceStore, Glimpse


@dataclass(frozen=True)
class Glances:
    """The pages of ``Timelines``, at a glance: None where it tells too little, also while Redis is away."""

    store: GlanceStore

    async def older(self, user: int, before: UUID | None, limit: int) -> Page[Glimpse, UUID] | None:
        """Look at the newest ``limit`` posts older than ``before`` (or of all)."""
        # One more tells whether there is a next page.
        seen = await attempt("glance", self.store.older(user, before, limit + 1), None)
        if seen is None:
            return None
        items = seen[:limit]
        return timeline_below(Page(items, next=items[-1].id if len(seen) > limit else None), before)

    async def newer(self, user: int, after: UUID, limit: int) -> Page[Glimpse, UUID] | None:
        """Look at the ``limit`` posts next above ``after``."""
        seen = await attempt("glance", self.store.newer(user, after, limit), None)
        return None if seen is None else timeline_above(seen, after)
