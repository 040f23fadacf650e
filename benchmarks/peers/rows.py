"""The tables: what each side does a second, and a second of each core that it uses; and the CPU that a call costs."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any, Final

from benchmarks.peers.contract import PAGE
from benchmarks.peers.level import Figures, rate
from benchmarks.peers.original import TOLD
from benchmarks.peers.play import FOLLOWERS

#: A load that uses more of a core than this is itself what ends the rate.
BUSY: Final = 0.9

#: A line: its name, the step of a round that it is about, and how many it counts for each call.
LINES: Final = (
    ("registered", "registered", 1),
    ("followed", "followed", 1),
    ("posts accepted", "accepted", 1),
    (f"posts accepted and delivered to {FOLLOWERS} followers each", "delivered", 1),
    ("deliveries", "delivered", FOLLOWERS),
    (f"pages of {PAGE} posts", "read", 1),
)

#: Rows of a table's head.
_HEAD: Final = 2


def table(measured: Mapping[str, Any]) -> str:
    """Return Markdown of the rounds of each side, by its name, and what was told where only one was measured.

    Below it a table of the CPU milliseconds a call by process, where the processes are known.
    """
    sides: Mapping[str, Sequence[Figures]] = measured["sides"]
    heads = [head for name in sides for head in (f"{name}, per second", f"{name}, per second and core used")]
    told = len(sides) == 1
    rows = [["what", *heads, *(["the original, as told"] if told else [])]]
    rows.append(["---"] * len(rows[0]))
    for what, step, times in LINES:
        cells = [cell for rounds in sides.values() for cell in _cells([one[step] for one in rounds], times)]
        rows.append([what, *cells, *([TOLD.get(step, {}).get(times, "")] if told else [])])
    costs = _costs(sides)
    return "\n\n".join(_markdown(rows) for rows in ((rows, costs) if len(costs) > _HEAD else (rows,)))


def _costs(sides: Mapping[str, Sequence[Figures]]) -> list[list[str]]:
    """Return the rows of CPU milliseconds a call: a process each, and all of a side together."""
    steps = {step: what for what, step, times in LINES if times == 1}
    rows = [["CPU ms a call", *steps.values()], ["---"] * (1 + len(steps))]
    for side, rounds in sides.items():
        names = list(rounds[0][next(iter(steps))]["cpu"])
        for name in [*names, *([""] if len(names) > 1 else [])]:
            cells = [median(_milliseconds(one[step], name) for one in rounds) for step in steps]
            rows.append([f"{side}: {name or 'all'}", *(f"{cell:.2f}" for cell in cells)])
    return rows


def _milliseconds(step: Mapping[str, Any], name: str) -> float:
    """Return the CPU milliseconds of a process for each call of a step; of all processes where none is named."""
    spent = step["cpu"][name] if name else sum(step["cpu"].values())
    return float(1_000 * spent / step["count"])


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(["| " + " | ".join(row) + " |" for row in rows])


def _cells(rounds: Sequence[Mapping[str, Any]], times: int) -> Iterator[str]:
    counts = [times * one["count"] for one in rounds]
    rates = [times * rate(one) for one in rounds]
    bound = max(one["load"] for one in rounds) > BUSY
    yield f"{'at least ' if bound else ''}{_middle(rates)}"
    spent = [sum(one["cpu"].values()) for one in rounds]
    yield _middle([count / cpu for count, cpu in zip(counts, spent, strict=True)]) if all(spent) else ""


def _middle(values: Sequence[float]) -> str:
    spread = f" ({min(values):,.0f} to {max(values):,.0f})" if len(values) > 1 else ""
    return f"{median(values):,.0f}{spread}"
