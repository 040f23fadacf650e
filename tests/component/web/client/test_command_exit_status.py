"""Exit statuses and error messages of the command line."""

import pytest
from aiohttp.web import Response


async def test_a_server_error_is_one_line_and_exit_status_1(microblog):
    await microblog("register", "dora")

    refused = await microblog("post", " ")

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == "Error: content: is empty\n"


async def test_an_unknown_user_is_named(microblog):
    await microblog("register", "dora")

    by_name = await microblog("follow", "zoe")
    by_id = await microblog("follow", "4711")

    assert (by_name.exit_code, by_name.stderr) == (1, "Error: there is no user named zoe\n")
    assert (by_id.exit_code, by_id.stderr) == (1, "Error: There is no user 4711.\n")


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["tokens"],
        ["post"],
        ["delete", "x"],
        ["timeline", "--limit", "0"],
        ["timeline", "--limit", "x"],
        ["--url", "localhost:6066", "whoami"],
        ["--url", ",", "whoami"],
    ],
)
async def test_a_wrong_call_is_status_2(microblog, words):
    wrong = await microblog(*words)

    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "Usage: " in wrong.stderr


async def test_an_unreachable_server_is_named(microblog, lonely):
    result = await microblog("--patience", "0.3", "posts", "1", at=lonely)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {lonely} cannot be reached")
    assert result.stderr.count("\n") == 1


async def test_what_a_server_says_of_an_error_is_not_obeyed(microblog, serve):
    async def answer(request):
        return Response(status=400, text='{"type": "/problems/invalid", "detail": "\\u001b[2Jbad\\nworse"}')

    result = await microblog("posts", "1", at=await serve(answer))

    assert result.stderr == "Error: [2Jbad worse\n"


@pytest.mark.parametrize("word", ["9" * 5000, "\x1b", "\udcff", "a b", ""])
async def test_a_strange_name_is_no_traceback(microblog, word):
    result = await microblog("posts", word)

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: username: ")
