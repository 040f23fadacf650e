"""The file of credentials: who is found in it, and who can read it."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import click
import pytest

from microblog_streams.cli.credentials import Account, Credentials, default_path

URL = "http://localhost:6066"
BAD_TOKEN = b'{"servers": {"http://localhost:6066": {"accounts": [{"username": "ann", "user": 1, "token": "a b"}]}}}'
ANN = Account(username="Ann", user=1, token="t1")
BOB = Account(username="bob", user=2, token="t2", token_id=5)


@pytest.fixture
def credentials(tmp_path):
    return Credentials(tmp_path / "microblog" / "credentials.json")


def keep(credentials, *accounts, url=URL):
    for account in accounts:
        with credentials.changing() as saved:
            saved.at(url).save(account)


def find(credentials, who=None, url=URL):
    return credentials.read().at(url).find(who)


def test_without_a_file_no_user_is_signed_in(credentials):
    assert find(credentials) is None


def test_who_signed_in_last_is_who_acts(credentials):
    keep(credentials, ANN, BOB)
    assert find(credentials) == BOB

    keep(credentials, ANN)
    assert find(credentials) == ANN


@pytest.mark.parametrize("who", ["Ann", "@Ann", "1"])
def test_an_account_is_found_by_its_name_as_it_is_kept_and_by_id(credentials, who):
    keep(credentials, ANN, BOB)

    assert find(credentials, who) == ANN


def test_accounts_of_one_server_are_not_for_another(credentials):
    """Or a token would be sent to the next server."""
    keep(credentials, ANN)

    assert find(credentials, url="http://elsewhere") is None
    assert find(credentials, "Ann", url="http://elsewhere") is None


def test_who_signs_in_again_has_the_new_token_only(credentials):
    keep(credentials, ANN, Account(username="Ann", user=1, token="t9"))

    assert find(credentials).token == "t9"
    assert "t1" not in credentials.path.read_text()


def test_who_signed_out_is_gone(credentials):
    keep(credentials, ANN, BOB)

    with credentials.changing() as saved:
        saved.at(URL).remove(BOB)

    assert find(credentials) == ANN
    assert "t2" not in credentials.path.read_text()


def test_only_its_owner_can_read_the_file(credentials):
    before = os.umask(0)
    try:
        keep(credentials, ANN)
    finally:
        os.umask(before)

    assert stat.S_IMODE(credentials.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(credentials.path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_can_read_is_warned_of_and_closed_at_the_next_change(credentials, capsys):
    keep(credentials, ANN)
    credentials.path.chmod(0o644)

    assert find(credentials) == ANN
    assert "chmod 600" in capsys.readouterr().err
    keep(credentials, BOB)
    assert stat.S_IMODE(credentials.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"servers": {"a": 1}}', b"\xff", BAD_TOKEN])
def test_a_damaged_file_is_told_of_and_not_overwritten(credentials, content):
    credentials.path.parent.mkdir()
    credentials.path.write_bytes(content)
    credentials.path.chmod(0o600)

    with pytest.raises(click.ClickException, match="damaged"):
        keep(credentials, ANN)
    assert credentials.path.read_bytes() == content


def test_a_folder_that_cannot_be_made_is_told_of(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(click.ClickException, match="cannot be"):
        keep(Credentials(tmp_path / "file" / "credentials.json"), ANN)


def test_a_change_that_fails_leaves_the_file_as_it_was(credentials):
    keep(credentials, ANN)

    with pytest.raises(ZeroDivisionError), credentials.changing() as saved:
        saved.at(URL).save(BOB)
        raise ZeroDivisionError

    assert find(credentials) == ANN


def test_of_many_who_sign_in_at_once_none_is_lost(credentials):
    accounts = [Account(username=f"u{number}", user=number) for number in range(1, 30)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda account: keep(credentials, account), accounts))

    assert {account.user for account in credentials.read().at(URL).accounts} == set(range(1, 30))
    assert [path.name for path in credentials.path.parent.iterdir() if path.suffix == ""] == []


def test_no_representation_shows_a_token():
    assert "t1" not in repr(ANN)


@pytest.mark.parametrize(
    ("value", "begins"),
    [("/etc/xdg-home", "/etc/xdg-home"), ("relative", "/home/ann/.config"), ("", "/home/ann/.config")],
)
def test_the_file_is_where_settings_are(monkeypatch, value, begins):
    monkeypatch.setenv("XDG_CONFIG_HOME", value)
    monkeypatch.setenv("HOME", "/home/ann")

    assert str(default_path()) == f"{begins}/microblog/credentials.json"


def test_digits_alone_are_an_id_and_after_an_at_a_name(credentials):
    digits = Account(username="1", user=7, token="t7")
    keep(credentials, ANN, digits)

    assert find(credentials, "1") == ANN
    assert find(credentials, "@1") == digits


def test_a_file_with_a_byte_order_mark_is_read(credentials):
    keep(credentials, ANN)
    credentials.path.write_bytes(b"\xef\xbb\xbf" + credentials.path.read_bytes())

    assert find(credentials) == ANN


def test_a_user_without_a_home_has_no_file_and_cannot_store_a_token(monkeypatch):
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr("pathlib.Path.home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    credentials = Credentials(default_path())

    assert find(credentials) is None
    with pytest.raises(click.ClickException, match="set HOME or XDG_CONFIG_HOME"):
        keep(credentials, ANN)
