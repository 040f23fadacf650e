"""A lease that tests end."""

import time
from dataclasses import dataclass

from microblog_streams.domain.errors import NotMine


@dataclass
class FakeLease:
    """The hold on a partition: ``looks`` more checks find it held, None: all do."""

    looks: int | None = None
    partition: int = 0
    seconds: float = 60.0

    @property
    def deadline(self) -> float:
        return time.monotonic() + self.seconds

    def check(self) -> None:
        if self.looks is None:
            return
        if self.looks == 0:
            raise NotMine("the test ended it")
        self.looks -= 1
