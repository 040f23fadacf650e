"""A real nginx with the gateway's configuration, in front of two small servers that show what reaches them."""

import http.client
import json
import queue
import socket
import threading
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from microblog_streams.local.gateway import Gateway, GatewayOptions
from microblog_streams.local.process import Children
from microblog_streams.local.reaper import wait_until
from tests.component.web.conftest import cheap_passwords, make_front, web_apps
from tests.support.live.ports import free_port
from tests.support.waiting import DEADLINE_SECONDS

__all__ = ["cheap_passwords", "make_front", "web_apps"]

TEMPLATE = Path(__file__).parents[3] / "deploy" / "gateway" / "microblog.conf.template"


class FakeWorker(ThreadingHTTPServer):
    """Answers 200 with what it was sent; or drops each connection after the request, or stays silent."""

    daemon_threads = True
    behaviour = "answer"

    def __init__(self):
        self.seen = []
        self.pieces = defaultdict(queue.Queue)
        super().__init__(("127.0.0.1", 0), Echo)
        threading.Thread(target=self.serve_forever, daemon=True, args=(0.05,)).start()

    @property
    def port(self):
        return self.server_address[1]

    def end(self):
        self.shutdown()
        self.server_close()


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def respond(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(f"{self.command} {self.path}")
        if self.server.behaviour == "stream":
            self.stream()
            return
        if self.server.behaviour == "drop":
            self.close_connection = True
            return
        content = json.dumps({"path": self.path, "body": body.decode(), **dict(self.headers.items())})
        self.send_response(503 if self.server.behaviour == "503" else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content.encode())

    def stream(self):
        """Send each piece when the test says so; the end is a piece too, and empty."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        while piece := self.server.pieces[self.path].get():
            self.wfile.write(piece)

    do_GET = do_POST = do_DELETE = do_PATCH = respond

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def shared_backends():
    both = [FakeWorker(), FakeWorker()]
    yield both
    for one in both:
        one.end()


@pytest.fixture
def backends(shared_backends):
    """Two servers that answer, and have seen nothing yet."""
    for one in shared_backends:
        one.behaviour = "answer"
        one.seen.clear()
    return shared_backends


@pytest.fixture(scope="module")
def children(tmp_path_factory):
    children = Children(tmp_path_factory.mktemp("children"))
    yield children
    children.close()


@pytest.fixture(scope="module")
def shared_front(tmp_path_factory, children, shared_backends):
    with running(children, tmp_path_factory.mktemp("front"), [one.port for one in shared_backends]) as gateway:
        yield gateway


@pytest.fixture
def front(shared_front, backends):
    """A gateway in front of both servers, as it is with default options."""
    return shared_front


@pytest.fixture
def start(tmp_path, children):
    """Starts a gateway in front of ports; stops it after the test."""
    with ExitStack() as stack:

        def start(*ports, notice=print, **options):
            return stack.enter_context(running(children, tmp_path, ports, notice, **options))

        yield start


@contextmanager
def running(children, folder, ports, notice=print, template=TEMPLATE, **options):
    (folder / "logs").mkdir(exist_ok=True)
    gateway = Gateway(children, folder, GatewayOptions(template, free_port(), **options), notice)
    gateway.configure([f"127.0.0.1:{port}" for port in ports])
    gateway.start()
    try:
        wait_for(lambda: connects(gateway.options.port))
        yield gateway
    finally:
        gateway.stop()


def wait_for(condition):
    assert wait_until(condition, DEADLINE_SECONDS)


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


def call(gateway, method, path, body=None, headers=None, context=None):
    """Return status, headers and body of one call, the path as it is."""
    port = gateway.options.port
    if context:
        connection = http.client.HTTPSConnection("localhost", port, timeout=30, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()
