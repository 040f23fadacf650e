"""A fault: what goes wrong, and what must hold while it does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.chaos.scene import Scene


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong under load, and is over when ``strike`` returns."""

    name: str
    #: Brings the fault about, asserts what must hold meanwhile, and returns once what was struck is back.
    strike: Callable[[Scene], None]
    #: Settings of the workers for this fault, by their names without prefix.
    settings: Mapping[str, str] = field(default_factory=dict)
    #: Lines of the log by their names (see ALARMS) that this fault may cause.
    tolerated: frozenset[str] = frozenset()
