"""Best-effort steps: they make an answer faster or fresher, and an agent or a later read does the same."""

import logging
from collections.abc import Awaitable
from typing import TypeVar

from microblog_streams.domain.errors import StoreUnavailable

logger = logging.getLogger(__name__)
T = TypeVar("T")


async def attempt(step: str, work: Awaitable[T], default: T) -> T:
    """Await the work; return ``default`` where its store is unavailable."""
    try:
        return await work
    except StoreUnavailable as exc:
        # Debug, because an outage fails every call: the store's connection and the waiting event log it once.
        logger.debug("shortcut_skipped step=%s reason=%s", step, exc)
        return default
