"""The launcher repairs what it was started with: signals, streams, files. Each test in a process of its own."""

import resource
import signal
import subprocess
import sys
from textwrap import dedent

import pytest

from microblog_streams.local.foreground import NEEDED_FILES
from tests.support.waiting import DEADLINE_SECONDS


def run(body, preexec_fn=lambda: None, **how):
    """Run Python in a process that was started in a certain way; return what it prints."""
    code = "from microblog_streams.local import foreground\n" + dedent(body)

    def prepare():
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup make test` has it ignored
        preexec_fn()

    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False, preexec_fn=prepare, **how
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def ignoring(*numbers):
    return lambda: [signal.signal(number, signal.SIG_IGN) for number in numbers]


HANDLED = """
    import os, signal, subprocess, sys
    foreground.handle_signals(lambda number, frame: print(signal.Signals(number).name, flush=True))
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        os.kill(os.getpid(), number)
"""
CHILD = """
    child = "import signal; print(*(s.name for s in signal.Signals if signal.getsignal(s) == signal.SIG_IGN))"
    subprocess.run([sys.executable, "-c", child])
"""


def test_signals_that_ask_for_an_end_are_heard():
    assert run(HANDLED) == ["SIGHUP", "SIGINT", "SIGTERM"]


def test_a_closed_terminal_does_not_end_what_nohup_started():
    assert run(HANDLED, preexec_fn=ignoring(signal.SIGHUP)) == ["SIGINT", "SIGTERM"]


def test_an_interrupt_does_not_end_what_a_script_started_in_the_background():
    assert run(HANDLED, preexec_fn=ignoring(signal.SIGINT, signal.SIGQUIT)) == ["SIGHUP", "SIGTERM"]


def test_children_ignore_nothing_that_would_stop_them():
    ignored = ignoring(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGCHLD)
    told = run(HANDLED + CHILD, preexec_fn=ignored)
    assert not {"SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGCHLD"} & set(told)


def test_the_exit_status_of_children_is_known_where_they_were_to_be_forgotten():
    body = HANDLED + "    print(subprocess.run([sys.executable, '-c', 'raise SystemExit(7)']).returncode)"
    assert run(body, preexec_fn=ignoring(signal.SIGCHLD))[-1] == "7"


def test_signals_that_were_blocked_are_heard():
    blocked = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    told = run(HANDLED, preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, blocked))
    assert told == ["SIGHUP", "SIGINT", "SIGTERM"]


def test_the_next_file_never_takes_the_place_of_a_closed_stream():
    body = """
        import os, sys
        os.close(0); os.close(2)
        foreground.prepare_process()
        print(os.open(os.devnull, os.O_RDONLY) > 2)
    """
    assert run(body) == ["True"]


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_files_have_the_usual_mode_whatever_the_umask(umask):
    assert run("import os; foreground.prepare_process(); print(oct(os.umask(0)))", umask=umask) == ["0o22"]


def test_a_letter_that_the_terminal_cannot_show_is_replaced():
    body = "foreground.prepare_process(); print('jos\\u00e9 \\u65e5')"
    assert run(body, env={"PYTHONIOENCODING": "ascii:strict"}) == ["jos?", "?"]


def test_libpq_is_not_led_elsewhere():
    body = "import os; foreground.prepare_process(); print(*(name for name in os.environ if name.startswith('PG')))"
    assert run(body, env={"PGHOSTADDR": "192.0.2.1", "PGSERVICE": "elsewhere", "PGSSLMODE": "require"}) == []


def limited(soft, hard):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_low_limit_of_files_is_raised_as_far_as_it_may():
    body = "import resource; foreground.prepare_process(); print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    assert run(body, preexec_fn=limited(64, 2 * NEEDED_FILES)) == [str(2 * NEEDED_FILES)]


@pytest.mark.parametrize("limit", [resource.RLIMIT_FSIZE, resource.RLIMIT_AS])
def test_a_limit_that_would_end_servers_is_raised_as_far_as_it_may(limit):
    body = (
        f"import resource; foreground.prepare_process(); soft, hard = resource.getrlimit({limit}); print(soft == hard)"
    )
    _, hard = resource.getrlimit(limit)
    assert run(body, preexec_fn=lambda: resource.setrlimit(limit, (2**32, hard))) == ["True"]


def test_a_limit_that_cannot_be_raised_is_one_line():
    body = """
        from microblog_streams.domain.errors import SetupError
        try:
            foreground.prepare_process()
        except SetupError as exc:
            print(exc)
    """
    told = run(body, preexec_fn=limited(256, 256))
    assert " ".join(told).startswith("a process may open 256 files here (ulimit -Hn)")
