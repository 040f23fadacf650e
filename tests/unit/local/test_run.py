"""What ``make run`` looks at before it starts anything."""

import socket

import pytest

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.local.run import check_ports


def test_workers_for_whom_no_port_number_is_left_are_one_line():
    check_ports(Settings(web_port=65_535), 0)
    with pytest.raises(SetupError, match="2 ports from 65535 on are more than there are: lower MICROBLOG_WEB_PORT"):
        check_ports(Settings(web_port=65_535), 2)


def test_a_web_port_that_is_taken_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(SetupError, match=rf"^MICROBLOG_WEB_PORT: 127.0.0.1:{port} is taken: set another"):
            check_ports(Settings(web_port=port), 1)
