"""Addresses that are none, and errors that no command expects: one line each."""

import pytest

from microblog_streams.cli import commands


@pytest.mark.parametrize("address", ["http://[::1", "http://a:99999", "http://a b", "http://\udcff"])
async def test_an_address_that_is_none_is_one_line(microblog, address):
    # A name that does not resolve is retried until the patience ends.
    result = await microblog("--patience", "1", "posts", "1", at=address)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


async def test_an_unexpected_error_is_one_line_and_tells_how_to_see_more(microblog, monkeypatch):
    await microblog("register", "dora")

    def broken():
        raise LookupError("of\nsome kind")

    monkeypatch.setattr(commands, "_read_stdin", broken)
    result = await microblog("post", "-")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: LookupError: of some kind")
    assert "MICROBLOG_TRACEBACK=1" in result.stderr
    shown = await microblog("post", "-", MICROBLOG_TRACEBACK="1")
    assert isinstance(shown.exception, LookupError)
