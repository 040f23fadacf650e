"""The users that a command works on, and work on several of them at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from microblog_streams.domain.errors import NotFound
from microblog_streams.ports import UserStore

#: Users of one page.
PAGE_SIZE: Final = 1_000
#: Draws for each user of a sample, and in addition: in a small deployment most draws repeat an earlier one.
_DRAWS_PER_USER, _EXTRA_DRAWS = 4, 100

T = TypeVar("T")


@dataclass(frozen=True)
class UserSelection:
    """Ids of the users in ``ids``, or of ``sample`` random users, or of all users if neither is given."""

    users: UserStore
    ids: Collection[int] = ()
    sample: int = 0

    async def pages(self) -> AsyncIterator[Sequence[int]]:
        """Yield the ids in pages. Raises NotFound for an id of no user, StoreUnavailable."""
        if self.ids:
            yield await self._existing()
        elif self.sample:
            yield await self._sampled()
        else:
            last = 0
            while page := await self.users.page(last, PAGE_SIZE):
                yield [user.id for user in page]
                last = page[-1].id

    async def _existing(self) -> list[int]:
        found = await self.users.get_many(self.ids)
        for user in self.ids:
            if user not in found:
                raise NotFound("user", user)
        return sorted(found)

    async def _sampled(self) -> list[int]:
        drawn: set[int] = set()
        for _ in range(_DRAWS_PER_USER * self.sample + _EXTRA_DRAWS):
            if len(drawn) < self.sample and (user := await self.users.draw()) is not None:
                drawn.add(user)
        return sorted(drawn)


async def run_concurrently(items: Iterable[T], work: Callable[[T], Awaitable[object]], concurrency: int) -> None:
    """Do the work for each item, up to ``concurrency`` at a time. The first error cancels the rest, and is raised."""
    remaining = iter(items)

    async def worker() -> None:
        for item in remaining:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(worker())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
