"""A real gateway in front of real workers, to be called like a worker."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from microblog_streams.local.gateway import Gateway, GatewayOptions
from microblog_streams.local.process import Children
from tests.support.live.forked import ROOT
from tests.support.live.ports import free_port
from tests.support.live.worker import Worker

TEMPLATE = ROOT / "deploy" / "gateway" / "microblog.conf.template"


@contextmanager
def gateway_before(workers: Sequence[Worker], folder: Path, eventually: Callable[..., None]) -> Iterator[Worker]:
    """Start it, with its files in ``folder``; stop it after the block."""
    children = Children(folder)
    gateway = Gateway(children, folder, GatewayOptions(TEMPLATE, free_port()), print)
    gateway.configure([f"127.0.0.1:{worker.port}" for worker in workers])
    gateway.start()
    front = Worker("gateway", gateway.options.port, workers[0].environment, folder / "logs" / "gateway.log")
    try:
        eventually(lambda: front.call("GET", "/users/").status == 200, front)
        yield front
    finally:
        gateway.stop()
        children.close()
