"""The stack as a whole, on its quickest part: what it keeps, what it refuses, what it says when something fails."""

import os
import signal
import socket
import sys
from threading import Thread

import pytest
import redis

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.local.jars import Interrupted
from microblog_streams.local.options import LocalSettings
from microblog_streams.local.server import LocalServer
from microblog_streams.local.stack import Stack
from microblog_streams.local.valkey import Valkey

pytestmark = pytest.mark.integration


class Mute(LocalServer):
    """Runs, and never answers."""

    name = "mute"
    port_names = ("mute",)
    script = "import time; time.sleep(1000)"

    def prepare(self, children):
        self.home.mkdir(exist_ok=True)

    def command(self):
        return [sys.executable, "-c", self.script]

    def answers(self):
        return False

    def urls(self):
        return {}


class Broken(Mute):
    """Says what is wrong, and ends."""

    name = "broken"
    port_names = ("broken",)
    script = "print('no space left on device'); raise SystemExit(7)"


def client(stack):
    return redis.Redis.from_url(stack.environment["MICROBLOG_REDIS_URL"], socket_timeout=2)


def test_a_killed_server_comes_back_on_its_port_with_its_data(folder):
    with Stack(folder, parts=[Valkey]) as stack, client(stack) as valkey:
        valkey.set("key", "value")
        assert valkey.waitaof(1, 0, 2_000)[0] == 1
        stack.kill("valkey")
        with pytest.raises(redis.ConnectionError):
            valkey.ping()
        stack.restart("valkey")
        assert valkey.get("key") == b"value"


def test_a_part_that_died_is_started_again_with_a_notice(folder, eventually):
    notices = []
    with Stack(folder, parts=[Valkey]) as stack, client(stack) as valkey:
        valkey.set("key", "value")
        assert valkey.waitaof(1, 0, 2_000)[0] == 1
        stack.revive(notices.append)
        assert notices == []

        os.kill(stack.parts["valkey"].child.pid, signal.SIGKILL)
        eventually(lambda: stack.parts["valkey"].child.exit_status() is not None)
        stack.revive(notices.append)

        assert valkey.get("key") == b"value"
    assert notices[0].startswith("valkey ended with status -9; starting it again (")
    assert notices[1].startswith("valkey is back after ")


def test_a_part_that_keeps_ending_is_given_up_with_the_end_of_its_log(folder, eventually):
    notices = []
    with Stack(folder, parts=[Valkey]) as stack:
        stack.parts["valkey"].command = lambda: [sys.executable, "-c", "print('out of memory'); raise SystemExit(7)"]
        stack.kill("valkey")
        for _ in range(5):
            stack.revive(notices.append)
        with pytest.raises(SetupError, match="valkey ended more than 5 times in 60 s") as told:
            stack.revive(notices.append)
        assert "out of memory" in str(told.value)
    assert len(notices) == 5


def test_a_paused_server_answers_once_it_is_resumed(folder):
    with Stack(folder, parts=[Valkey]) as stack, client(stack) as valkey:
        stack.pause("valkey")
        with pytest.raises(redis.TimeoutError):
            valkey.ping()
        stack.resume("valkey")
        assert valkey.ping()


def test_a_paused_server_can_be_stopped(folder, processes):
    with Stack(folder, parts=[Valkey]) as stack:
        stack.pause("valkey")
    assert processes() == []


def test_a_second_start_keeps_ports_passwords_and_token(folder):
    with Stack(folder, parts=[Valkey]) as stack:
        first = stack.environment
    with Stack(folder, parts=[Valkey]) as stack:
        assert stack.environment == first


def test_the_settings_find_the_stack_in_its_folder(folder):
    with Stack(folder, parts=[Valkey]) as stack:
        read = Settings(_env_file=folder / "stack.env", data_dir=folder)
        assert read == stack.settings
        assert read.redis_url.get_secret_value() == stack.environment["MICROBLOG_REDIS_URL"]
    assert (folder / "stack.env").stat().st_mode & 0o777 == 0o600
    assert (folder / "admin.token").stat().st_mode & 0o777 == 0o600


def test_no_password_is_on_a_command_line(folder):
    with Stack(folder, parts=[Valkey]) as stack:
        password = (folder / "valkey" / "password").read_text().strip()
        assert password in stack.environment["MICROBLOG_REDIS_URL"]
        assert not any(password in word for word in stack.parts["valkey"].command())


def test_a_second_stack_on_one_folder_is_refused(folder):
    with Stack(folder, parts=[Valkey]), pytest.raises(SetupError, match=r"another stack runs on .*data"):
        Stack(folder, parts=[Valkey]).start()


def test_a_failing_server_shows_the_end_of_its_log_and_stops_the_others(folder, processes):
    with pytest.raises(SetupError, match="broken ended with status 7") as caught:
        Stack(folder, parts=[Valkey, Broken]).start()
    assert "no space left on device" in str(caught.value)
    assert processes() == []


def test_a_start_can_be_interrupted(folder, processes, eventually):
    stack = Stack(folder, parts=[Mute])
    interrupter = Thread(target=lambda: (eventually(processes), stack.interrupt()))
    interrupter.start()
    with pytest.raises(Interrupted):
        stack.start()
    interrupter.join()
    assert processes() == []


def test_a_requested_port_that_is_taken_is_reported_in_one_line(folder):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(SetupError, match=rf"port {port} for redis is taken.*MICROBLOG_REDIS_PORT"):
            Stack(folder, LocalSettings(redis_port=port), parts=[Valkey]).start()


def test_an_unwritable_folder_is_reported_in_one_line(folder):
    folder.write_text("a file where the folder should be")
    with pytest.raises(SetupError, match=r"cannot be written.*MICROBLOG_DATA_DIR"):
        Stack(folder, parts=[Valkey]).start()
