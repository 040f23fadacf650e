"""The table: what each side does a second, and a second of each core that it uses."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any, Final

from benchmarks.peers.contract import PAGE
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

#: A round: its steps' figures.
Figures = Mapping[str, Mapping[str, Any]]


def table(measured: Mapping[str, Any]) -> str:
    """Return Markdown of the rounds of each side, by its name, and what was told where only one was measured."""
    sides: Mapping[str, Sequence[Figures]] = measured["sides"]
    heads = [head for name in sides for head in (f"{name}, per second", f"{name}, per second and core used")]
    told = len(sides) == 1
    rows = [["what", *heads, *(["the original, as told"] if told else [])]]
    rows.append(["---"] * len(rows[0]))
    for what, step, times in LINES:
        cells = [cell for rounds in sides.values() for cell in _cells([one[step] for one in rounds], times)]
        rows.append([what, *cells, *([TOLD.get(step, {}).get(times, "")] if told else [])])
    return "\n".join(["| " + " | ".join(row) + " |" for row in rows])


def _cells(rounds: Sequence[Mapping[str, Any]], times: int) -> Iterator[str]:
    counts = [times * one["count"] for one in rounds]
    rates = [count / (one["ended"] - one["begun"]) for count, one in zip(counts, rounds, strict=True)]
    bound = max(one["load"] for one in rounds) > BUSY
    yield f"{'at least ' if bound else ''}{_middle(rates)}"
    spent = [sum(one["cpu"].values()) for one in rounds]
    yield _middle([count / cpu for count, cpu in zip(counts, spent, strict=True)]) if all(spent) else ""


def _middle(values: Sequence[float]) -> str:
    spread = f" ({min(values):,.0f} to {max(values):,.0f})" if len(values) > 1 else ""
    return f"{median(values):,.0f}{spread}"
