"""Times the operations of stores, counts their failures, and makes each a span of the trace that it is called in.

``measured`` wraps a store's methods where the application is put together, so that the stores know nothing of it. An
operation is named ``<part>.<method>``, such as ``timelines.push``.
"""

import dataclasses
import inspect
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import wraps
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from microblog_streams.domain.errors import MicroblogError, NoAnswer, StoreUnavailable
from microblog_streams.domain.measures import CALL_SECONDS, Histogram
from microblog_streams.traces import in_span

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SILENT: Final = "silent"
UNAVAILABLE: Final = "unavailable"
DEFECT: Final = "defect"

StoreT = TypeVar("StoreT")
PartsT = TypeVar("PartsT", bound="DataclassInstance")
Method = Callable[..., Awaitable[Any]]


@dataclass(frozen=True)
class StoreCalls:
    """The calls of all stores."""

    #: By store and operation.
    seconds: dict[tuple[str, str], Histogram] = field(default_factory=dict)
    #: By store, operation and error.
    errors: Counter[tuple[str, str, str]] = field(default_factory=Counter)


def measured(calls: StoreCalls, store: str, part: str, implementation: StoreT) -> StoreT:
    """Return a stand-in for a part of a store, whose coroutine methods are counted in ``calls``.

    A method counts once where a caller calls it; calls among the part's own methods are not counted.
    """
    return cast(StoreT, _Measured(calls, store, part, implementation))


def all_measured(calls: StoreCalls, store: str, parts: PartsT) -> PartsT:
    """Return a dataclass with each of its fields, a part of a store, measured under the field's name."""
    by_name = {each.name: getattr(parts, each.name) for each in dataclasses.fields(parts)}
    return dataclasses.replace(parts, **{name: measured(calls, store, name, part) for name, part in by_name.items()})


class _Measured:
    """Has the methods of the implementation, measured, and takes everything else from it."""

    def __init__(self, calls: StoreCalls, store: str, part: str, implementation: object) -> None:
        self._implementation = implementation
        for name, method in inspect.getmembers(type(implementation), inspect.iscoroutinefunction):
            if not name.startswith("_"):
                setattr(self, name, _timed(calls, (store, f"{part}.{name}"), method, implementation))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- whatever the implementation has
        return getattr(self._implementation, name)


def _timed(calls: StoreCalls, labels: tuple[str, str], method: Method, implementation: object) -> Method:
    # Made at the first call: an operation that a worker never calls has no series.
    seconds: Histogram | None = None
    name, span = method.__name__, " ".join(labels)

    @wraps(method)
    async def timed(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        nonlocal seconds
        if seconds is None:
            seconds = calls.seconds[labels] = Histogram(CALL_SECONDS)
        began = perf_counter()
        try:
            return await in_span(span, getattr(implementation, name)(*args, **kwargs))
        except Exception as exc:
            if error := _error(exc):
                calls.errors[(*labels, error)] += 1
            raise
        finally:
            seconds.observe(perf_counter() - began)

    return timed


def _error(exception: Exception) -> str | None:
    """Return the kind of a store's failure; None for an answer such as "there is none"."""
    if isinstance(exception, NoAnswer):
        return SILENT
    if isinstance(exception, StoreUnavailable):
        return UNAVAILABLE
    return None if isinstance(exception, MicroblogError) else DEFECT
