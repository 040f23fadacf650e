"""The command line on a server that requires tokens: logging in and out, and whose token is used."""

import json
import re
import stat

import pytest

from microblog_streams.domain.errors import StoreUnavailable

PASSWORD = "correct horse"
TOKEN = re.compile(r"mb_[\w-]+")


@pytest.fixture
def run(microblog, strict_url):
    """Run a command there."""

    async def run(*words, **options):
        return await microblog(*words, at=strict_url, **options)

    return run


@pytest.fixture
def kept(home):
    """Return the tokens in the file of credentials."""
    return lambda: TOKEN.findall((home / "microblog" / "credentials.json").read_text())


@pytest.fixture
async def signed_in(run, strict_ann):
    """Ann, who registered elsewhere, signed in here."""
    result = await run("login", "ann", "--token-name", "laptop", stdin=f"{PASSWORD}\n")
    assert result.exit_code == 0


async def names(client):
    return sorted([token.name for token in await client.tokens()])


def written(result):
    """Return what a command wrote; CliRunner puts a line there for each password, which goes to the terminal else."""
    return result.stdout.replace(" \n", "").strip()


async def test_a_registration_keeps_its_token_and_shows_it_nowhere(run, kept, home):
    registered = await run("register", "ann", "--json")
    listed = await run("tokens", "list", "--json")

    assert len(kept()) == 1
    assert not TOKEN.search(registered.output)
    assert [token["name"] for token in json.loads(listed.stdout)] == ["registration"]
    assert stat.S_IMODE((home / "microblog" / "credentials.json").stat().st_mode) == 0o600


async def test_signing_in_asks_for_the_password_and_keeps_only_the_token(run, kept, strict_ann, home):
    result = await run("login", "ann", "--token-name", "laptop", stdin=f"{PASSWORD}\n")

    assert (result.exit_code, written(result)) == (0, "Signed in as ann (id 1).")
    assert len(kept()) == 1
    assert PASSWORD not in result.output + (home / "microblog" / "credentials.json").read_text()
    assert await names(strict_ann) == ["laptop", "registration"]


async def test_a_wrong_password_is_one_line_and_status_1(run, strict_ann):
    refused = await run("login", "ann", stdin="wrong horse\n")

    assert (refused.exit_code, written(refused)) == (1, "")
    assert refused.stderr.endswith("Error: The username or the password is wrong.\n")


async def test_registering_with_a_password_asks_twice(run):
    registered = await run("register", "ann", "--password-prompt", stdin=f"{PASSWORD}\n{PASSWORD}\n")
    again = await run("login", "ann", stdin=f"{PASSWORD}\n")

    assert (registered.exit_code, written(registered)) == (0, "Registered ann (id 1).")
    assert again.exit_code == 0


async def test_signing_out_revokes_the_token_and_forgets_it(run, signed_in, kept, strict_ann):
    out = await run("logout")

    assert out.stdout == "Signed out ann.\n"
    assert await names(strict_ann) == ["registration"]
    assert kept() == []
    assert (await run("whoami")).exit_code == 1


async def test_signing_out_works_where_the_token_is_worthless_already(run, signed_in, kept, strict_ann):
    [laptop] = [token for token in await strict_ann.tokens() if token.name == "laptop"]
    await strict_ann.revoke(laptop.id)

    assert (await run("logout")).exit_code == 0
    assert kept() == []


async def test_a_token_that_cannot_be_revoked_now_is_not_forgotten(run, signed_in, kept, strict):
    """Otherwise it would stay valid, and this command could not revoke it."""
    strict.app.fail(StoreUnavailable("postgres", "gone"))

    out = await run("--patience", "0.2", "logout")

    assert out.exit_code == 1
    assert len(kept()) == 1


async def test_signing_out_while_signed_out_is_an_error(run):
    out = await run("logout")

    assert out.exit_code == 1
    assert "you are not signed in" in out.stderr


async def test_revoking_a_token(run, signed_in, strict_ann):
    [registration] = [token for token in await strict_ann.tokens() if token.name == "registration"]

    revoked = await run("tokens", "revoke", str(registration.id))
    left = await run("tokens", "list", "--json")

    assert revoked.stdout == f"Revoked token {registration.id}.\n"
    assert [token["name"] for token in json.loads(left.stdout)] == ["laptop"]


async def test_blocking_unblocking_and_whom_one_blocks(run, signed_in, stranger):
    await stranger.register("bob")

    blocked = await run("block", "bob")
    listed = await run("blocks")
    unblocked = await run("unblock", "bob")

    assert blocked.stdout == "You block bob.\n"
    assert listed.stdout.startswith("2\tbob\t")
    assert unblocked.stdout == "You do not block bob.\n"
    assert (await run("blocks")).stdout == ""


async def test_a_token_of_the_environment_comes_before_the_one_that_is_kept(run, signed_in, registered_ann):
    refused = await run("tokens", "list", MICROBLOG_TOKEN="mb_other")
    taken = await run("--as", "ann", "blocks", MICROBLOG_TOKEN=registered_ann.token)

    assert refused.exit_code == 1
    assert taken.exit_code == 0


async def test_a_token_of_the_environment_needs_to_be_somebodys(run, registered_ann):
    refused = await run("blocks", MICROBLOG_TOKEN=registered_ann.token)

    assert refused.exit_code == 1
    assert "--as or MICROBLOG_AS" in refused.stderr


async def test_a_token_of_the_environment_that_is_none_is_not_shown(run):
    refused = await run("tokens", "list", MICROBLOG_TOKEN="secret token")

    assert refused.exit_code == 1
    assert "secret" not in refused.output


@pytest.mark.parametrize(
    ("registered", "spelt"),
    [
        ("Ann", "ANN"),
        ("ann", "\uff21\uff4e\uff4e"),  # full width
        ("Jos\u00e9", "jose\u0301"),  # apart
        ("stra\u00dfe", "STRASSE"),
        ("office", "o\ufb03ce"),  # a ligature
    ],
)
async def test_every_spelling_of_a_name_finds_its_token(run, registered, spelt):
    await run("register", registered)
    await run("register", "zoe")  # who acts unless another is named

    for words in (["--as", spelt, "post", "Hello"], ["--as", f"@{spelt}", "whoami"], ["--as", spelt, "tokens", "list"]):
        done = await run(*words)
        assert (done.exit_code, done.stderr) == (0, "")
    assert registered in (await run("--as", spelt, "whoami")).stdout


async def test_every_spelling_of_a_name_is_signed_out(run, kept):
    await run("register", "Ann")

    assert (await run("--as", "ANN", "logout")).stdout == "Signed out Ann.\n"
    assert kept() == []


async def test_an_unregistered_name_signs_no_user_in(run):
    await run("register", "ann")

    result = await run("--as", "bob", "logout")

    assert (result.exit_code, result.stderr.partition(" at ")[0]) == (1, "Error: bob is not signed in")
