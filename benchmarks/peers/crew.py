"""The processes that put a step's load on a server, and what comes of them."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from benchmarks.peers.contract import Server, Unfit
from benchmarks.peers.cores import cpu_seconds
from benchmarks.peers.together import together

#: Seconds above its own that a step may take.
_MORE: Final = 300.0

Figures = dict[str, Any]


@dataclass(frozen=True)
class Side:
    """A server that is measured: base URLs (of ours, for each worker), and its processes where they are known."""

    servers: Sequence[Server]
    pids: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Crew:
    """So many processes with so many clients together."""

    processes: int
    clients: int

    async def do(self, name: str, side: Side, items: Sequence[Any], seconds: float = 0.0) -> tuple[list[Any], Figures]:
        """Do a step; see ``steps.step``. Return what came of the items in their order, and the figures.

        Figures: ``count`` of calls, ``begun`` and ``ended`` (time.monotonic), ``cpu`` of the server's processes by name
        (seconds), and ``load``, the busiest of the load's processes as a share of a core. Raises Unfit.
        """
        before = cpu_seconds(side.pids)
        shares = [items[number :: self.processes] for number in range(self.processes)]
        jobs = [self._job(name, side, share, seconds) for share in shares if share]
        parts = await together(_work(job, seconds + _MORE) for job in jobs)
        return _joined(parts, before, cpu_seconds(side.pids))

    def _job(self, name: str, side: Side, items: Sequence[Any], seconds: float) -> Figures:
        servers = [asdict(server) for server in side.servers]
        clients = max(1, self.clients // self.processes)
        return {"name": name, "servers": servers, "items": items, "clients": clients, "seconds": seconds}


async def _work(job: Figures, limit: float) -> Figures:
    """Run a process that does a job; return its figures. Raises Unfit, also after ``limit`` seconds."""
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", "benchmarks.peers.steps"]
    # A session of its own: Ctrl-C is for the one that waits, which ends it.
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, start_new_session=True)
    try:
        async with asyncio.timeout(limit):
            printed, _ = await process.communicate(json.dumps(job).encode())
    except TimeoutError:
        raise Unfit(f"{job['name']}: {len(job['items']):,} were not done within {limit:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    figures: Figures = json.loads(printed) if printed else {"unfit": f"{job['name']}: the load's process failed"}
    if "unfit" in figures:
        raise Unfit(figures["unfit"])
    return figures


def _joined(
    parts: Sequence[Figures], before: Mapping[str, float], after: Mapping[str, float]
) -> tuple[list[Any], Figures]:
    begun, ended = min(part["begun"] for part in parts), max(part["ended"] for part in parts)
    return _in_order([part["results"] for part in parts]), {
        "count": sum(part["count"] for part in parts),
        "begun": begun,
        "ended": ended,
        "cpu": {name: max(0.0, after[name] - spent) for name, spent in before.items()},
        "load": max(part["cpu"] / max(part["ended"] - part["begun"], 1e-9) for part in parts),
    }


def _in_order(parts: Sequence[list[Any]]) -> list[Any]:
    """Put results back in the order of the items, which were dealt out like cards."""
    results: list[Any] = [None] * sum(map(len, parts))
    for number, part in enumerate(parts):
        results[number :: len(parts)] = part
    return results
