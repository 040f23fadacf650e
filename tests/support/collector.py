"""An OTLP collector: keeps the spans that workers send it over HTTP, as protobuf."""

import asyncio
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Received:
    """A span, with its ids in hex; ``parent`` is empty for the first of a trace."""

    name: str
    trace: str
    ident: str
    parent: str
    service: str
    worker: str
    attributes: dict[str, Any]


@dataclass
class Collector:
    """The spans received so far, and the environment variables by which a worker sends to it."""

    spans: list[Received] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def of_trace(self, ident: str) -> list[Received]:
        return [span for span in self.spans if span.trace == ident]

    def named(self, name: str) -> list[Received]:
        return [span for span in self.spans if span.name == name]

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        body = gzip.decompress(body) if request.headers.get("Content-Encoding") == "gzip" else body
        self.spans += _parsed(ExportTraceServiceRequest.FromString(body))
        answer = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=answer, content_type="application/x-protobuf")


def _parsed(request: Any) -> Iterator[Received]:
    for of_resource in request.resource_spans:
        resource = _values(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                yield Received(
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    resource["service.name"],
                    resource["service.instance.id"],
                    _values(span.attributes),
                )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector in a thread, on a free port of this machine."""
    collector, ready, loop = Collector(), Event(), asyncio.new_event_loop()
    thread = Thread(target=_serve, args=(collector, loop, ready), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield collector
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def _serve(collector: Collector, loop: asyncio.AbstractEventLoop, ready: Event) -> None:
    asyncio.set_event_loop(loop)
    runner = loop.run_until_complete(_started(collector))
    ready.set()
    loop.run_forever()
    loop.run_until_complete(runner.cleanup())
    loop.close()


async def _started(collector: Collector) -> web.AppRunner:
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    collector.environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{host}:{port}",
        "OTEL_BSP_SCHEDULE_DELAY": "50",  # ms between two batches
    }
    return runner
