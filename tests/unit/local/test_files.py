"""Small files are written whole, and secrets are readable by their owner alone."""

import pytest

from microblog_streams.local.files import keep_secret, render, write_atomic
from microblog_streams.local.stack import env_file


def mode(path):
    return path.stat().st_mode & 0o777


def test_a_secret_is_made_once_and_readable_by_its_owner_only(tmp_path):
    secret = keep_secret(tmp_path / "password")
    assert len(secret) == 48
    assert keep_secret(tmp_path / "password") == secret
    assert mode(tmp_path / "password") == 0o600


def test_a_file_is_replaced_as_a_whole_also_where_the_old_one_was_open_to_all(tmp_path):
    target = tmp_path / "stack.env"
    target.write_text("old")
    target.chmod(0o644)
    write_atomic(target, "new")
    assert target.read_text() == "new"
    assert mode(target) == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "stack.env").write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_atomic(tmp_path / "stack.env", "\ud800")
    assert (tmp_path / "stack.env").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["stack.env"]


def test_the_environment_file_has_one_variable_a_line():
    text = env_file({"MICROBLOG_KAFKA_URL": "kafka://127.0.0.1:1", "MICROBLOG_ADMIN_TOKEN": "abc"})
    assert text == "MICROBLOG_KAFKA_URL=kafka://127.0.0.1:1\nMICROBLOG_ADMIN_TOKEN=abc\n"


@pytest.mark.parametrize("value", ["a b", "a\nB=c", "a#b", "a'b", 'a"b', "a$b", "a\\b"])
def test_a_value_that_would_be_read_back_as_another_is_refused(value):
    with pytest.raises(ValueError, match="MICROBLOG_X"):
        env_file({"MICROBLOG_X": value})


def test_a_template_without_a_value_is_an_error():
    with pytest.raises(KeyError):
        render("kafka.properties", port=1)
