"""``python -m benchmarks.takeover``: how long delivery stands still while workers come and go.

On a stack of its own below ``.data-takeover``, with a part of the graph in the tables (FULL=1: all of it). Two workers
stay, as ``make run`` has them; a third joins and leaves in every way there is, several times each. An author in every
partition goes on posting meanwhile, and the longest time from sending a post until its follower has it is what is
told. Writes benchmarks/results/takeover.json.
"""

import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.bars import counter
from benchmarks.beats import Beats, beats
from benchmarks.graph import read
from benchmarks.guests import Guest
from benchmarks.memory import memory
from benchmarks.report import Figures, refuse_arguments, report
from benchmarks.scenes import GRAPH, platform
from benchmarks.stage import Stage, free_ports
from microblog_streams.config.settings import PREFIX

FRACTION, ROUNDS = 0.02, 3
#: A partition whose posts took longer than this waited (seconds).
WAITED = 1.0


def main() -> None:
    """Measure, and report."""
    refuse_arguments()
    fraction = 1.0 if os.environ.get("FULL") == "1" else FRACTION
    os.environ[f"{PREFIX}STANDBY_REPLICAS"] = "1"
    report("takeover", 2, lambda stage: _measure(stage, fraction), table)


async def _measure(stage: Stage, fraction: float) -> Figures:
    async with platform(stage) as on:
        imported = await on.load(read(GRAPH, fraction), fraction)
        scenes = Scenes(
            await beats(on.client, on.redis, stage.settings.partitions),
            Guest(stage, on.redis, free_ports(1)),
        )
        figures: Figures = {"edges": imported.follows, "scenes": {}}
        with counter(stage.console, "takeovers", ROUNDS * len(SCENES)) as one:
            for name, scene in SCENES.items():
                rounds = []
                for _ in range(ROUNDS):
                    rounds.append(await scene(scenes))
                    one()
                figures["scenes"][name] = rounds
        assert scenes.guest.child
        figures["memory"] = memory({**stage.processes(), scenes.guest.name: scenes.guest.child.pid})
    return figures


@dataclass
class Scenes:
    """What may happen to the third worker."""

    beats: Beats
    guest: Guest

    async def join_in_peace(self) -> Figures:
        """It joins and leaves while there are no posts; begins and ends without it."""
        ready, joined = await self.guest.join()
        await self.guest.leave(signal.SIGTERM)
        return {"ready": ready, "joined": joined}

    async def join(self) -> Figures:
        """It joins under load, and leaves again; begins and ends without it."""
        async with self.beats.beating() as waits:
            ready, joined = await self.guest.join()
        await self.guest.leave(signal.SIGTERM)
        return {**_told(waits), "ready": ready, "joined": joined}

    async def leave(self, number: signal.Signals) -> Figures:
        """It is ended; begins and ends without it."""
        self.guest.settings = {}
        await self.guest.join()
        async with self.beats.beating() as waits:
            gone = await self.guest.leave(number)
        return {**_told(waits), "gone": gone}

    async def restart(self, lose_tables: bool = False) -> Figures:
        """It has a name in the group, is killed, and starts again inside its session."""
        if not self.guest.settings:
            self.guest.settings = {"STATIC_MEMBERSHIP": "true"}
            await self.guest.join()
        async with self.beats.beating() as waits:
            await self.guest.leave(signal.SIGKILL)
            if lose_tables:
                self.guest.lose_tables()
            _, joined = await self.guest.join()
        return {**_told(waits), "joined": joined}


SCENES: dict[str, Callable[[Scenes], Awaitable[Figures]]] = {
    "a third worker joins, without posts": lambda scenes: scenes.join_in_peace(),
    "it joins": lambda scenes: scenes.join(),
    "it is asked to end (SIGTERM)": lambda scenes: scenes.leave(signal.SIGTERM),
    "it dies (kill -9)": lambda scenes: scenes.leave(signal.SIGKILL),
    "it is killed and starts again inside its session": lambda scenes: scenes.restart(),
    "the same, and its tables' folder is lost": lambda scenes: scenes.restart(lose_tables=True),
}


def _told(waits: dict[int, float]) -> Figures:
    return {"longest": max(waits.values()), "waited": sum(wait > WAITED for wait in waits.values())}


def table(figures: Figures) -> str:
    """Return Markdown: medians of the rounds."""
    rows = [f"{figures['edges']:,} edges in the tables.", ""]
    rows += ["| what | longest wait of a post | partitions that waited | worker |", "|---|---|---|---|"]
    rows += [_row(name, rounds) for name, rounds in figures["scenes"].items()]
    rows += ["", *(f"{name}: {one['rss']:.0f} MiB" for name, one in figures["memory"].items())]
    return "\n".join(rows)


def _row(name: str, rounds: Sequence[Figures]) -> str:
    middle = {key: median(one[key] for one in rounds) for key in rounds[0]}
    waits = f"{middle['longest']:.1f} s | {middle['waited']:.0f}" if "longest" in middle else " | "
    worker = ", ".join(f"{key} {middle[key]:.1f} s" for key in ("ready", "joined", "gone") if key in middle)
    return f"| {name} | {waits} | {worker} |"


if __name__ == "__main__":
    main()
