"""What every command does with failures, and with the lines of the Kafka client."""

import logging

import pytest

from microblog_streams.commands.common import expected_failures
from microblog_streams.domain.errors import StoreUnavailable


def test_lines_of_aiokafka_are_left_out_for_the_length_of_a_command(caplog):
    client = logging.getLogger("aiokafka.cluster")
    with expected_failures():
        client.error("Topic user.created.g2 not found in cluster metadata")
    client.error("after")
    assert caplog.messages == ["after"]


def test_an_expected_failure_is_one_line_and_exit_status_3(capsys):
    with pytest.raises(SystemExit) as ended, expected_failures():
        raise StoreUnavailable("kafka", "no broker answers")
    assert ended.value.code == 3
    assert capsys.readouterr().err.count("\n") == 1
