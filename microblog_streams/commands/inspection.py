"""Auditing many people's timelines: everybody once, then, when all that was on its way has come, the suspects again."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from microblog_streams.commands.connected import side_by_side
from microblog_streams.operations.timelines.audit import NOTHING, Audit, Findings, Settle

#: Timelines that are looked at side by side. Each look may read the posts of hundreds of authors.
AT_ONCE: Final = 8
#: Looks at a suspect after the first.
AGAIN: Final = 2


@dataclass
class Inspection:
    """What was seen: how many timelines were compared, how many were cold, and what is wrong, by user."""

    audit: Audit
    settle: Settle
    #: Told how many people are done.
    progress: Callable[[int], None]
    checked: int = 0
    cold: int = 0
    wrong: dict[int, Findings] = field(default_factory=dict)

    async def run(self, pages: AsyncIterator[Sequence[int]]) -> None:
        """Inspect everybody in the pages. Raises MicroblogError."""
        async for page in pages:
            await side_by_side(page, self._look, AT_ONCE)
        for _ in range(AGAIN):
            if self.wrong:
                await self.settle()
                await side_by_side(sorted(self.wrong), self._look_again, AT_ONCE)

    async def _look(self, user: int) -> None:
        findings = await self.audit.look(user)
        if findings is None:
            self.cold += 1
        else:
            self.checked += 1
            self._keep(user, findings)
        self.progress(self.checked + self.cold)

    async def _look_again(self, user: int) -> None:
        self._keep(user, self.wrong[user] & (await self.audit.look(user) or NOTHING))

    def _keep(self, user: int, findings: Findings) -> None:
        self.wrong.pop(user, None)
        if findings:
            self.wrong[user] = findings
