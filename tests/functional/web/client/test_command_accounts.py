"""The command line at a server that asks for tokens: signing in and out, and as whom things are done."""

import json
import stat

import pytest


@pytest.fixture
def at_guarded(microblog, guarded_url):
    """Run a command there."""

    async def run(*words, **options):
        return await microblog(*words, at=guarded_url, **options)

    return run


@pytest.fixture
def kept(home):
    """Return the text of the file of credentials."""
    return lambda: (home / "microblog" / "credentials.json").read_text()


def result(run):
    """Return what a command wrote; CliRunner puts a line there for each password, which goes to the terminal else."""
    return run.stdout.replace(" \n", "").strip()


async def test_a_registration_keeps_its_token_and_shows_it_nowhere(at_guarded, kept, home):
    registered = await at_guarded("register", "ann", "--json")

    listed = await at_guarded("tokens", "list", "--json")

    assert "t0" in kept()
    assert "t0" not in registered.output
    assert [token["id"] for token in json.loads(listed.stdout)] == [1]
    assert stat.S_IMODE((home / "microblog" / "credentials.json").stat().st_mode) == 0o600


async def test_signing_in_asks_for_the_password_without_showing_it(at_guarded, kept):
    signed_in = await at_guarded("login", "ann", stdin="sesame\n")

    assert (signed_in.exit_code, result(signed_in)) == (0, "Signed in as ann (id 1).")
    assert "sesame" not in signed_in.output + kept()
    assert "t1" in kept()


async def test_a_wrong_password_is_one_line_and_status_1(at_guarded):
    refused = await at_guarded("login", "ann", stdin="wrong\n")

    assert (refused.exit_code, result(refused)) == (1, "")
    assert "Error: " in refused.stderr


async def test_registering_with_a_password_asks_twice(at_guarded):
    registered = await at_guarded("register", "ann", "--password-prompt", stdin="sesame\nsesame\n")

    assert (registered.exit_code, result(registered)) == (0, "Registered ann (id 1).")


async def test_signing_out_revokes_the_token_and_forgets_it(at_guarded, guarded, kept):
    await at_guarded("login", "ann", stdin="sesame\n")

    out = await at_guarded("logout")

    assert out.stdout == "Signed out ann.\n"
    assert "t1" not in guarded.tokens
    assert "t1" not in kept()
    assert (await at_guarded("whoami")).exit_code == 1


async def test_signing_out_works_where_the_token_is_worthless_already(at_guarded, guarded, kept):
    await at_guarded("login", "ann", stdin="sesame\n")
    guarded.tokens.clear()

    assert (await at_guarded("logout")).exit_code == 0
    assert "t1" not in kept()


async def test_a_token_that_cannot_be_revoked_now_is_not_forgotten(at_guarded, guarded, kept):
    """Else it would stay good, and nobody could revoke it by this command."""
    await at_guarded("login", "ann", stdin="sesame\n")
    guarded.away = True

    out = await at_guarded("--patience", "0.2", "logout")

    assert out.exit_code == 1
    assert "t1" in kept()


async def test_signing_out_where_nobody_is_signed_in_is_an_error(at_guarded):
    out = await at_guarded("logout")

    assert out.exit_code == 1
    assert "nobody is signed in" in out.stderr


async def test_revoking_a_token(at_guarded, guarded):
    await at_guarded("register", "ann")

    revoked = await at_guarded("tokens", "revoke", "1")

    assert revoked.stdout == "Revoked token 1.\n"
    assert guarded.tokens == {}


async def test_blocking_unblocking_and_whom_one_blocks(at_guarded, guarded):
    await at_guarded("register", "ann")

    blocked = await at_guarded("block", "1")
    listed = await at_guarded("blocks")
    unblocked = await at_guarded("unblock", "1")

    assert blocked.stdout == "You block ann.\n"
    assert listed.stdout.startswith("1\tann\t")
    assert unblocked.stdout == "You do not block ann.\n"
    assert guarded.blocked == set()


async def test_a_token_of_the_environment_comes_before_the_one_that_is_kept(at_guarded):
    await at_guarded("register", "ann")

    refused = await at_guarded("tokens", "list", MICROBLOG_TOKEN="other")
    taken = await at_guarded("--as", "ann", "blocks", MICROBLOG_TOKEN="t0")

    assert refused.exit_code == 1
    assert taken.exit_code == 0


async def test_a_token_of_the_environment_needs_to_be_somebodys(at_guarded):
    refused = await at_guarded("blocks", MICROBLOG_TOKEN="t0")

    assert refused.exit_code == 1
    assert "--as or MICROBLOG_AS" in refused.stderr


async def test_a_token_of_the_environment_that_is_none_is_not_shown(at_guarded):
    refused = await at_guarded("tokens", "list", MICROBLOG_TOKEN="secret token")

    assert refused.exit_code == 1
    assert "secret" not in refused.output
