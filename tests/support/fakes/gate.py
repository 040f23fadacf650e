"""A gate before every call of a store: a test decides which call is made next, and which one fails."""

import asyncio
import inspect
from enum import Enum
from typing import Any

from microblog_streams.domain.errors import BrokerUnavailable, OutcomeUnknown, StoreUnavailable


class Fault(Enum):
    """What becomes of a call."""

    NONE = "made"
    BEFORE = "not made, and fails"
    AFTER = "made, and fails"


class Gate:
    """Where calls wait, in the order in which they came. Once ``open``, all are made at once."""

    def __init__(self) -> None:
        self.open = False
        self.waiting: list[asyncio.Future[Fault]] = []

    async def turn(self) -> Fault:
        if self.open:
            await asyncio.sleep(0)
            return Fault.NONE
        turn: asyncio.Future[Fault] = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        try:
            return await turn
        finally:
            self.waiting.remove(turn)

    def let_go(self, index: int, fault: Fault) -> None:
        waiting = [turn for turn in self.waiting if not turn.done()]
        if waiting:
            waiting[index % len(waiting)].set_result(fault)

    def let_all_go(self) -> None:
        self.open = True
        for turn in self.waiting:
            if not turn.done():
                turn.set_result(Fault.NONE)


class Gated:
    """A store behind a gate."""

    def __init__(self, store: object, gate: Gate, name: str) -> None:
        self._store, self._gate, self._name = store, gate, name

    def __getattr__(self, method: str) -> Any:
        real = getattr(self._store, method)
        if not inspect.iscoroutinefunction(real):
            return real

        async def call(*args: Any, **options: Any) -> object:
            fault = await self._gate.turn()
            if fault is Fault.BEFORE:
                raise BrokerUnavailable("fault") if self._name == "kafka" else StoreUnavailable(self._name, "fault")
            answer = await real(*args, **options)
            if fault is Fault.AFTER:
                raise OutcomeUnknown("fault") if self._name == "kafka" else StoreUnavailable(self._name, "fault")
            return answer

        return call
