"""TLS in front of a server whose build speaks none, as stunnel and the proxies of hosted services do it."""

import select
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

#: What libpq sends first when it wants TLS.
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
#: Seconds after which a silent connection is looked at again, so that the front can end.
LOOK = 0.05


@contextmanager
def tls_front(port: int, context: ssl.SSLContext, postgres: bool = False) -> Iterator[int]:
    """Serve TLS on a port of loopback, which is given, and pass on what comes to ``port`` of loopback.

    ``postgres``: TLS for those who ask for it, as PostgreSQL has it; others are let through without.
    """
    front = _Front(port, context, postgres)
    thread = Thread(target=front.serve_forever, args=(LOOK,))
    thread.start()
    try:
        yield front.server_address[1]
    finally:
        front.ending = True
        front.shutdown()
        front.server_close()
        thread.join()


class _Front(ThreadingTCPServer):
    def __init__(self, port: int, context: ssl.SSLContext, postgres: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.port, self.context, self.postgres, self.ending = port, context, postgres, False


class _Connection(BaseRequestHandler):
    """One connection, in a thread of its own."""

    request: socket.socket
    server: _Front

    def handle(self) -> None:
        """Pass on what comes, both ways, until either side ends."""
        front = self.server
        with (
            suppress(OSError),
            self._outside() as outside,
            socket.create_connection(("127.0.0.1", front.port)) as inside,
        ):
            while not front.ending and _pass_on(outside, inside):
                pass
            while not front.ending:
                time.sleep(LOOK)  # a peer that is slow to close: its last words must do

    def _outside(self) -> socket.socket:
        if self.server.postgres:
            if self.request.recv(len(SSL_REQUEST), socket.MSG_PEEK) != SSL_REQUEST:
                return self.request
            self.request.recv(len(SSL_REQUEST))
            self.request.sendall(b"S")
        return self.server.context.wrap_socket(self.request, server_side=True)


def _pass_on(outside: socket.socket, inside: socket.socket) -> bool:
    waiting = isinstance(outside, ssl.SSLSocket) and outside.pending()
    ready = [outside] if waiting else select.select([outside, inside], [], [], LOOK)[0]
    for source in ready:
        data = source.recv(65_536)
        if not data:
            return False
        (inside if source is outside else outside).sendall(data)
    return True
