"""Traces: the spans of a request, of its event on other workers, and of the stores' calls below, by OpenTelemetry.

Off unless ``MICROBLOG_TRACES=otlp``: then nothing of OpenTelemetry is imported here and no span is made. The SDK reads
its own variables (``OTEL_EXPORTER_OTLP_ENDPOINT``, ``OTEL_TRACES_SAMPLER``, ``OTEL_SERVICE_NAME`` and the like), and
sends spans in batches from a thread of its own, so a slow or dead collector holds up no event loop: its spans are
dropped.

A trace begins with a call of the API, or with the caller's span that the header ``traceparent`` names (W3C Trace
Context). Events carry it on as a Kafka header. Only recorded spans have children, so what is not sampled costs next to
nothing. A span is named after what is done, and has no statement, text, name or address.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import version
from importlib.util import find_spec
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, TypeVar

from microblog_streams.domain.errors import MicroblogError, SetupError

if TYPE_CHECKING:
    from opentelemetry.trace import Span, SpanKind

#: The headers of W3C Trace Context, in HTTP and in Kafka.
TRACEPARENT, TRACESTATE = "traceparent", "tracestate"
#: Seconds that a stop waits until the last spans are sent.
FLUSH_SECONDS: Final = 2.0
#: What the exporter speaks; others need packages that are not installed.
PROTOCOL: Final = "http/protobuf"

_SERVICE: Final = "microblog-streams"
_NO_SPAN: Final = nullcontext()

T = TypeVar("T")


def check_installed() -> None:
    """Raise SetupError where OpenTelemetry's packages are missing, or a variable asks for another protocol."""
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter.otlp.proto.http") is None:
        raise SetupError("MICROBLOG_TRACES=otlp needs OpenTelemetry: pip install 'microblog-streams[traces]'")
    for name in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if (protocol := os.environ.get(name, PROTOCOL)) != PROTOCOL:
            raise SetupError(f"{name} is {protocol}, and only {PROTOCOL} is supported")


class Traces:
    """OpenTelemetry as this process uses it."""

    def __init__(self, worker: str) -> None:
        """Start the thread that sends spans; ``worker`` is the worker's name."""
        import requests
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._api = trace
        self._propagator = TraceContextTextMapPropagator()
        self._provider = TracerProvider(
            resource=Resource.create(_resource(worker)),
            shutdown_on_exit=False,
        )
        session = requests.Session()
        session.trust_env = False  # no HTTP_PROXY and no .netrc, as for all connections of a worker
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(session=session)))
        self._tracer = self._provider.get_tracer(_SERVICE, version(_SERVICE))

    def is_recording(self) -> bool:
        """Return whether the current span is sampled."""
        return self._api.get_current_span().is_recording()

    def root(
        self, kind: str, name: str, headers: Mapping[str, str], attributes: Mapping[str, Any]
    ) -> "AbstractContextManager[Span]":
        """Return a span as a context manager: below the one that the headers name, or the first of a new trace."""
        from opentelemetry.context import Context

        parent = self._propagator.extract(headers, context=Context())
        return self._span(name, self._api.SpanKind[kind], attributes, parent)

    async def child(self, name: str, work: Awaitable[T]) -> T:
        """Do the work in a span below the current one."""
        with self._span(name, self._api.SpanKind.INTERNAL, {}, None):
            return await work

    def recorded_id(self) -> dict[str, str]:
        """Return the id of the current trace if it is sampled: else no collector has it."""
        current = self._api.get_current_span()
        return {"trace_id": f"{current.get_span_context().trace_id:032x}"} if current.is_recording() else {}

    def headers(self) -> dict[str, str]:
        """Return what tells another process of the current span."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier

    def ids(self) -> dict[str, str]:
        """Return the fields by which a log line names the current span."""
        current = self._api.get_current_span().get_span_context()
        if not current.is_valid:
            return {}
        return {"trace_id": f"{current.trace_id:032x}", "span_id": f"{current.span_id:016x}"}

    def close(self) -> None:
        """Send what is left; blocks for as long as that takes."""
        self._provider.shutdown()

    @contextmanager
    def _span(self, name: str, kind: "SpanKind", attributes: Mapping[str, Any], parent: Any) -> Iterator["Span"]:  # noqa: ANN401
        span = self._tracer.start_span(name, parent, kind, attributes)
        # An exception's message may quote data, so its class alone is recorded.
        with self._api.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield span
            except Exception as exc:
                self._failed(span, exc)
                raise

    def _failed(self, span: "Span", exc: Exception) -> None:
        span.set_attribute("error.type", type(exc).__name__)
        if not isinstance(exc, MicroblogError):
            span.set_status(self._api.StatusCode.ERROR)


def _resource(worker: str) -> dict[str, str]:
    """Return what names the worker; a service's name in the variables wins."""
    named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    name = {} if named else {"service.name": _SERVICE}
    return {**name, "service.version": version(_SERVICE), "service.instance.id": worker}


#: None while traces are off.
_traces: Traces | None = None


def start(worker: str) -> None:
    """Turn traces on. Imports OpenTelemetry, which takes some 0.3 s."""
    global _traces
    _traces = Traces(worker)


async def stop() -> None:
    """Turn traces off; wait ``FLUSH_SECONDS`` at most until the last spans are sent."""
    global _traces
    stopped, _traces = _traces, None
    if stopped is not None:
        # Not a thread of the loop's: the process would wait for it at its end, however long that takes.
        thread = Thread(target=stopped.close, name="last spans", daemon=True)
        thread.start()
        await asyncio.to_thread(thread.join, FLUSH_SECONDS)


def is_on() -> bool:
    """Return whether traces are on."""
    return _traces is not None


def request_span(name: str, headers: Mapping[str, str], attributes: Mapping[str, Any]) -> "AbstractContextManager[Any]":
    """Return the span of a call of the API as a context manager, which gives the span, or None while traces are off."""
    return _NO_SPAN if _traces is None else _traces.root("SERVER", name, headers, attributes)


def event_span(
    topic: str, headers: Mapping[str, Any], attributes: Callable[[], Mapping[str, Any]]
) -> "AbstractContextManager[Any]":
    """Return the span of an event's effects as a context manager: below the span that published the event."""
    if _traces is None:
        return _NO_SPAN
    texts = {
        name: value.decode("ascii", "replace")
        for name, value in headers.items()
        if name in (TRACEPARENT, TRACESTATE) and isinstance(value, bytes)
    }
    return _traces.root("CONSUMER", f"process {topic}", texts, attributes())


def in_span(name: str, work: Awaitable[T]) -> Awaitable[T]:
    """Return the work, within a span below the current one if that is recorded."""
    return work if _traces is None or not _traces.is_recording() else _traces.child(name, work)


def headers() -> dict[str, str]:
    """Return the headers by which an event continues the current trace."""
    return {} if _traces is None else _traces.headers()


def ids() -> dict[str, str]:
    """Return the ids of the current trace and span for a log line."""
    return {} if _traces is None else _traces.ids()


def recorded_id() -> dict[str, str]:
    """Return the id of the current trace for an exemplar, if that trace is sampled."""
    return {} if _traces is None else _traces.recorded_id()
