"""Asking a part for what it may not be able to tell: an answer in time, or why there is none."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from microblog_streams.domain.errors import MicroblogError

logger = logging.getLogger(__name__)

#: Seconds for one part. A worker's own report takes up to one, where a store is silent.
PATIENCE: Final = 1.7

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Away:
    """Why something is not known."""

    reason: str


async def known(question: Coroutine[Any, Any, T], patience: float = PATIENCE) -> T | Away:
    """Return what is answered, or why nothing was. Raises nothing, and takes no longer than ``patience`` seconds.

    In a task of its own, because a library that loses a cancellation must not hold up whoever waits.
    """
    task = asyncio.ensure_future(question)
    task.add_done_callback(_seen)
    try:
        done, _ = await asyncio.wait({task}, timeout=patience)
        return task.result() if done else Away(f"no answer within {patience:g} s")
    except MicroblogError as exc:
        return Away(str(exc))
    except Exception:
        logger.exception("overview_part_failed")
        return Away("asking for it failed: see this worker's log")
    finally:
        task.cancel()


def _seen(task: asyncio.Future[Any]) -> None:
    """Take notice of how it ended, or asyncio would complain of an error that came too late to matter."""
    if not task.cancelled():
        task.exception()
