"""Whom a command is about: those who were named, some at random, or everyone in pages."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from microblog_streams.domain.errors import NotFound
from microblog_streams.ports import UserStore

#: People of one page.
PAGE: Final = 1_000
#: Draws for each person of a sample, and some: with few people most draws are of one that was drawn before.
_DRAWS, _MORE_DRAWS = 4, 100


@dataclass(frozen=True)
class Everyone:
    """Pages of ids. ``named`` are people, ``sample`` a number of them; where neither is given, it is everyone."""

    users: UserStore
    named: Collection[int] = ()
    sample: int = 0

    async def pages(self) -> AsyncIterator[Sequence[int]]:
        """Return the ids in pages. Raises NotFound for a name of nobody, StoreUnavailable."""
        if self.named:
            yield await self._named()
        elif self.sample:
            yield await self._sampled()
        else:
            last = 0
            while page := await self.users.page(last, PAGE):
                yield [user.id for user in page]
                last = page[-1].id

    async def _named(self) -> list[int]:
        found = await self.users.get_many(self.named)
        for user in self.named:
            if user not in found:
                raise NotFound("user", user)
        return sorted(found)

    async def _sampled(self) -> list[int]:
        drawn: set[int] = set()
        for _ in range(_DRAWS * self.sample + _MORE_DRAWS):
            if len(drawn) < self.sample and (user := await self.users.draw()) is not None:
                drawn.add(user)
        return sorted(drawn)
