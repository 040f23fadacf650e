"""``make run``: start the stack, migrate, start the workers, and print curl lines to paste when all is ready."""

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from microblog_streams.config.addresses import check_port, join_host_port
from microblog_streams.config.settings import PREFIX, Settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.local.foreground import Foreground
from microblog_streams.local.gateway import WORKER_DEFAULTS, Gateway, GatewayOptions
from microblog_streams.local.ports import HOST
from microblog_streams.local.process import worker_environment
from microblog_streams.local.search import Search
from microblog_streams.local.workers import FAUST, Workers, awaited, get

#: Port numbers end before this one.
_PORTS = 65_536
#: Where a server that listens everywhere is reached from here.
_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound
#: The exit status of an expected failure: a new start would end alike.
_WRONG_SET_UP = 3


def infra(foreground: Foreground) -> None:
    """Run the stack alone until it is time to end."""
    foreground.bring_up()
    try:
        foreground.say(f"ready; its URLs are in {foreground.stack.data_dir / 'stack.env'}. Ctrl-C stops it.")
        while foreground.tick():
            pass
    finally:
        foreground.stop()


#: What is done once stack and workers are ready. It keeps calling ``tick`` and ``look_after``, and ends with them.
Act = Callable[[Foreground, Settings, Workers], None]


def serve(foreground: Foreground, settings: Settings, workers: Workers, front: str | None = None) -> None:
    """Say where everything is, and look after it until it is time to end. ``front`` is the URL of the gateway."""
    _greet(foreground, settings, workers, front)
    while foreground.tick():
        workers.look_after()


def run(
    foreground: Foreground,
    settings: Settings,
    count: int,
    act: Act | None = None,
    gateway: GatewayOptions | None = None,
) -> None:
    """Run stack, workers and gateway until ``act`` (``serve``) returns. Raises SetupError where they cannot start."""
    check_ports(settings, count + len(foreground.stack.late_kinds))
    if gateway:
        check_port(HOST, gateway.port, "GATEWAY")
    foreground.bring_up()
    try:
        settings = settings.model_copy(update={"data_dir": foreground.stack.data_dir})
        if migrate(foreground, settings):
            act = act or partial(serve, front=gateway.url if gateway else None)
            _run_workers(foreground, settings, count, act, gateway)
    finally:
        foreground.stop()


def check_ports(settings: Settings, count: int) -> None:
    """Raise SetupError where a worker's web port is taken, or none is left, before anything is started."""
    if settings.web_port + count > _PORTS:
        raise SetupError(f"{count} ports from {settings.web_port} on are more than there are: lower {PREFIX}WEB_PORT")
    for port in range(settings.web_port, settings.web_port + count):
        check_port(settings.web_host, port)


def migrate(foreground: Foreground, settings: Settings) -> bool:
    """Make schema and topics; False when it is time to end. Raises SetupError with the end of the log on failure."""
    assert foreground.stack.children
    log = settings.data_dir / "logs" / "migrate.log"
    environment = {**worker_environment(), f"{PREFIX}DATA_DIR": str(settings.data_dir)}
    with foreground.console.status("making schema and topics"):
        child = foreground.stack.children.start([*FAUST, "migrate"], log, environment)
        while (exit_status := child.exit_status()) is None:
            if not foreground.tick():
                child.kill()
                return False
    if exit_status:
        raise SetupError(f"migrate ended with status {exit_status}. The end of {log}:\n{child.tail()}")
    return True


def _run_workers(
    foreground: Foreground, settings: Settings, count: int, act: Act, gateway: GatewayOptions | None
) -> None:
    assert foreground.stack.children
    defaults = WORKER_DEFAULTS if gateway else {}
    workers = Workers(foreground.stack.children, settings, count, foreground.say, defaults)
    try:
        with _gateway_in_front(foreground, workers, settings, gateway):
            if _wait_until_ready(foreground, workers, _host(settings)):
                with _search_beside(foreground, settings, settings.web_port + count):
                    act(foreground, settings, workers)
    finally:
        with foreground.console.status("stopping the workers"):
            workers.stop()


@contextmanager
def _gateway_in_front(
    foreground: Foreground, workers: Workers, settings: Settings, options: GatewayOptions | None
) -> Iterator[None]:
    """Run nginx in front of the workers within the block, where it is wanted."""
    if options is None:
        yield
        return
    assert foreground.stack.children
    gateway = Gateway(foreground.stack.children, settings.data_dir, options, foreground.say)
    gateway.configure([join_host_port(_host(settings), worker.web_port) for worker in workers.all])
    gateway.start()
    foreground.watch(gateway.look_after)
    try:
        yield
    finally:
        gateway.stop()


@contextmanager
def _search_beside(foreground: Foreground, settings: Settings, web_port: int) -> Iterator[None]:
    """Run the search engine and the indexer within the block, where the stack has an engine."""
    if not foreground.stack.late:
        yield
        return
    search = Search(foreground.stack, settings, web_port, foreground.say)
    foreground.watch(search.look_after)
    try:
        yield
    finally:
        search.stop()


def _wait_until_ready(foreground: Foreground, workers: Workers, host: str) -> bool:
    with foreground.console.status("starting the workers") as status:
        while foreground.tick():
            _check_set_up(workers)
            workers.look_after()
            waiting = [(worker.name, awaited(host, worker.web_port)) for worker in workers.all]
            if not any(reason for _, reason in waiting):
                return True
            status.update("; ".join(f"{name} waits for {reason}" for name, reason in waiting if reason))
    return False


def _check_set_up(workers: Workers) -> None:
    for worker in workers.all:
        if worker.child.exit_status() == _WRONG_SET_UP:
            raise SetupError(f"{worker.name} cannot start. The end of {worker.log}:\n{worker.child.tail(5)}")


def _greet(foreground: Foreground, settings: Settings, workers: Workers, front: str | None) -> None:
    host = _host(settings)
    urls = [f"http://{join_host_port(host, worker.web_port)}" for worker in workers.all]
    people = get(host, settings.web_port, "/users/?limit=2")
    users = [user["id"] for user in people.body] if people and isinstance(people.body, list) else []
    token: Path = settings.data_dir / "admin.token"
    issue = issuing(settings.data_dir) if settings.auth == "required" else None
    ready = f"{front} in front of {' '.join(urls)}" if front else " ".join(urls)
    page = f"The page, in a browser: {front or urls[0]}/"
    lines = ("", f"ready: {ready}", page, "", *greeting(front or urls[0], users, issue), "")
    for line in (*lines, f"Logs: {settings.data_dir / 'logs'}. Admin token: {token}. Ctrl-C stops everything."):
        foreground.say(line)


def _host(settings: Settings) -> str:
    return _HERE.get(settings.web_host, settings.web_host)


_CURL = "curl -sw '\\n'"
_JSON = "-H 'Content-Type: application/json' -d"
#: Takes the token out of an answer, with what every shell has.
_TAKEN = """| grep -o 'mb_[^"]*'"""


def greeting(url: str, users: Sequence[int], issue: str | None) -> list[str]:
    """Return three curl lines that work in their order; ``users`` are ids of people who are there already.

    On a fresh system they register two people, who get the ids 1 and 2. ``issue`` is the command that gives a user
    (named after it) a token; None where tokens are not required.
    """
    author, reader = (users[0], users[-1]) if users else (1, 2)
    post = f"""{_at(url, "posts/")} {_by("AUTHOR", issue)}{_JSON} '{{"userId": {author}, "content": "Hello, world"}}'"""
    follow = f"{_CURL} -X POST {_at(url, f'users/{reader}/follow/{author}')} {_by('READER', issue)}--next -sw '\\n' "
    return [
        _known(url, author, reader, issue) if users else _new(url, issue),
        (follow if author != reader else f"{_CURL} ") + post,
        f"sleep 1; {_CURL} {_by('READER', issue)}{_at(url, f'timelines/{reader}')}",
    ]


def issuing(data_dir: Path) -> str:
    """Return the command that gives a user a token, wherever it is pasted."""
    where, python = shlex.quote(str(data_dir.absolute())), shlex.quote(sys.executable)
    return f"{PREFIX}DATA_DIR={where} {python} -m faust -A microblog_streams issue-token"


def _at(url: str, path: str) -> str:
    """Return a URL for the shell, which would take the brackets of IPv6 for a pattern."""
    return shlex.quote(f"{url}/{path}")


def _by(variable: str, issue: str | None) -> str:
    return f'-H "Authorization: Bearer ${variable}" ' if issue else ""


def _new(url: str, issue: str | None) -> str:
    calls = [f"""{_at(url, "users/")} {_JSON} '{{"username": "{name}"}}'""" for name in ("ada", "grace")]
    if issue is None:
        return f"{_CURL} {calls[0]} --next -sw '\\n' {calls[1]}"
    return f"AUTHOR=$(curl -s {calls[0]} {_TAKEN}); READER=$(curl -s {calls[1]} {_TAKEN})"


def _known(url: str, author: int, reader: int, issue: str | None) -> str:
    if issue is None:
        return f"{_CURL} {_at(url, f'users/{author}')} {_at(url, f'users/{reader}')}"
    return f"AUTHOR=$({issue} {author}); READER=$({issue} {reader})"
