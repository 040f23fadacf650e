"""A line of the table: what was measured, against which ceiling, and whether it is as fast as it must be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Target:
    """What must hold: so much of the ceiling, and so much in the figure's own unit. None: that does not count."""

    ratio: float | None = None
    most: float | None = None
    least: float | None = None

    def __str__(self) -> str:
        """Write it as the table has it."""
        parts = [
            f">= {self.ratio:.0%} of the ceiling" if self.ratio else "",
            f"< {self.most:,.4g}" if self.most else "",
            f">= {self.least:,.4g}" if self.least else "",
        ]
        return ", ".join(part for part in parts if part) or "for information"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement: a figure a round in ``unit``, and the ceilings of the same rounds where it has any."""

    what: str
    unit: str
    figures: Sequence[float]
    target: Target
    ceiling: str = ""
    ceilings: Sequence[float] = ()

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Self:
        """Return a row from its JSON."""
        return cls(**{**written, "target": Target(**written["target"])})

    def written(self) -> dict[str, Any]:
        """Return what can be written as JSON."""
        return asdict(self)

    @property
    def figure(self) -> float:
        """The median of the rounds."""
        return median(self.figures)

    @property
    def ratio(self) -> float | None:
        """The median of the rounds' ratios to their ceilings."""
        if not self.ceilings:
            return None
        return median(figure / ceiling for figure, ceiling in zip(self.figures, self.ceilings, strict=True))

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        ratio, target = self.ratio, self.target
        return (
            (target.ratio is None or (ratio is not None and ratio >= target.ratio))
            and (target.most is None or self.figure < target.most)
            and (target.least is None or self.figure >= target.least)
        )


def growth(
    what: str,
    unit: str,
    sizes: Mapping[str, Sequence[float]],
    base: int,
    most: float | None = None,
    least: float | None = None,
) -> list[Row]:
    """Return a row of each size, for information, and one that judges the last size as a multiple of another.

    ``sizes`` has each round's figure by the size's name, from the smallest on; ``base`` is the place of that other.
    """
    names = list(sizes)
    times = [last / first for last, first in zip(sizes[names[-1]], sizes[names[base]], strict=True)]
    judged = Row(f"{what}: {names[-1]}, against {names[base]}", "times", times, Target(most=most, least=least))
    return [*(Row(f"{what}: {name}", unit, figures, Target()) for name, figures in sizes.items()), judged]


def table(rows: Iterable[Row]) -> str:
    """Return the rows as Markdown."""
    head = "| what | target | figure (spread) | ceiling | ratio | holds |\n|---|---|---|---|---|---|"
    return "\n".join([head, *map(_line, rows)])


def _line(row: Row) -> str:
    spread = f" ({_number(min(row.figures))} to {_number(max(row.figures))})" if len(row.figures) > 1 else ""
    figure = f"{_number(row.figure)} {row.unit}{spread}"
    ceiling = f"{_number(median(row.ceilings))}, {row.ceiling}" if row.ceilings else ""
    ratio = "" if row.ratio is None else f"{row.ratio:.0%}"
    verdict = "" if row.target == Target() else "yes" if row.holds else "**no**"
    return f"| {row.what} | {row.target} | {figure} | {ceiling} | {ratio} | {verdict} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
