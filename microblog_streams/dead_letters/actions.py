"""What the command ``dead-letters`` does, one function an action."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from rich.console import Console

from microblog_streams.dead_letters import view
from microblog_streams.dead_letters.operations import DeadLetters
from microblog_streams.dead_letters.record import DeadLetter
from microblog_streams.domain.errors import Conflict, SetupError

#: Columns of a table that is not shown on a terminal.
WIDE = 200


@dataclass(frozen=True)
class Order:
    """What was asked for on the command line."""

    action: str
    ident: str | None = None
    everything: bool = False
    limit: int = 100
    as_json: bool = False
    raw: bool = False
    yes: bool = False

    def check(self) -> None:
        """Raise SetupError where it makes no sense."""
        if self.action == "list" and (self.ident or self.everything):
            raise SetupError("dead-letters list takes neither an id nor --all: --limit says how many")
        if self.action == "show" and (self.ident is None or self.everything):
            raise SetupError("dead-letters show takes the id of one letter, as in: dead-letters show 3-17")
        if self.action in ("replay", "discard") and (self.ident is None) != self.everything:
            raise SetupError(f"dead-letters {self.action} takes either the id of one letter or --all")
        if self.action == "discard" and not self.yes and not sys.stdin.isatty():
            raise SetupError("dead-letters discard asks before it does so; without a terminal give --yes")


async def carry_out(order: Order, letters: DeadLetters) -> None:
    """Do what was asked for. Raises MicroblogError."""
    await {"list": _list, "show": _show, "replay": _replay, "discard": _discard}[order.action](order, letters)


async def _list(order: Order, letters: DeadLetters) -> None:
    found = await letters.oldest(order.limit)
    if order.as_json:
        print(view.as_json(found))
        return
    if not found:
        print("no open dead letters")
        return
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    console.print(view.table(found))
    if (more := await letters.count() - len(found)) > 0:
        print(f"and {more:,} more: --limit says how many are listed")


async def _show(order: Order, letters: DeadLetters) -> None:
    letter = await letters.find(order.ident or "")
    if order.raw:
        sys.stdout.buffer.write(letter.value)
        sys.stdout.buffer.flush()
    else:
        print(view.details(letter, await letters.settled.find(letter.partition, letter.offset)))


async def _replay(order: Order, letters: DeadLetters) -> None:
    done = await _each(order, letters, letters.replay)
    print(f"{done:,} replayed; one that still cannot be read comes back as a new letter")


async def _discard(order: Order, letters: DeadLetters) -> None:
    count = await letters.count() if order.everything else 1
    what = f"all {count:,} open dead letters" if order.everything else f"dead letter {order.ident}"
    if not count or order.yes or await _agreed(f"Discard {what}, which will never take effect? [y/N] "):
        print(f"{await _each(order, letters, letters.discard):,} discarded")
    else:
        print("nothing was discarded")


async def _each(order: Order, letters: DeadLetters, act: Callable[[DeadLetter], Awaitable[None]]) -> int:
    """Act on each letter; tell of those for which it cannot be done, and raise SetupError after the last."""
    done = failed = 0
    async for letter in _meant(order, letters):
        try:
            await act(letter)
            done += 1
        except Conflict as exc:
            failed += 1
            print(f"{letter.ident}: {view.safe(str(exc))}", file=sys.stderr)
    if failed:
        raise SetupError(f"{failed:,} stay open, {done:,} done")
    return done


async def _meant(order: Order, letters: DeadLetters) -> AsyncIterator[DeadLetter]:
    if order.everything:
        async for letter in letters.all_open():
            yield letter
    else:
        yield await letters.find(order.ident or "")


async def _agreed(question: str) -> bool:
    """Ask on the terminal, without standing in the way of Ctrl-C."""
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    print(question, end="", flush=True)
    loop.add_reader(sys.stdin.fileno(), readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return sys.stdin.readline().strip().lower() in ("y", "yes")
