"""Shortcuts: steps that make an answer better or sooner, and that something else makes sure of later."""

import logging
from collections.abc import Awaitable
from typing import TypeVar

from microblog_streams.domain.errors import StoreUnavailable

logger = logging.getLogger(__name__)
T = TypeVar("T")


async def attempt(step: str, work: Awaitable[T], default: T) -> T:
    """Do the work, or answer ``default`` where its store is away: the caller goes on without."""
    try:
        return await work
    except StoreUnavailable as exc:
        # Not for every call of an outage: the store's own lines, and those of the event that waits, tell of it.
        logger.debug("shortcut_skipped step=%s reason=%s", step, exc)
        return default
