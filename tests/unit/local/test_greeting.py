"""The lines to paste, on a fresh system and on one with people in it, with tokens and on an open server."""

import json
import re
import shlex
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from microblog_streams.local.run import greeting, issuing

URL = "http://127.0.0.1:6066"
ISSUE = issuing(Path("/some where"))
both = pytest.mark.parametrize("issue", [None, ISSUE])


def bodies(line):
    words = shlex.split(re.sub(r"\$\(|\)", " ", line))
    return [json.loads(value) for word, value in pairwise(words) if word == "-d"]


@both
def test_on_a_fresh_system_two_people_register_and_the_second_follows_the_first(issue):
    register, post, read = greeting(URL, [], issue)
    assert bodies(register) == [{"username": "ada"}, {"username": "grace"}]
    assert f"{URL}/users/2/follow/1" in post
    assert bodies(post) == [{"userId": 1, "content": "Hello, world"}]
    assert read.endswith(f"{URL}/timelines/2")


def test_later_the_people_who_are_there_take_part():
    look, post, read = greeting(URL, [7, 9], None)
    assert f"{URL}/users/7 {URL}/users/9" in look
    assert f"{URL}/users/9/follow/7" in post
    assert bodies(post) == [{"userId": 7, "content": "Hello, world"}]
    assert read.endswith(f"{URL}/timelines/9")


def test_later_the_people_who_are_there_are_given_tokens():
    first, *_ = greeting(URL, [7, 9], ISSUE)
    assert first == f"AUTHOR=$({ISSUE} 7); READER=$({ISSUE} 9)"
    assert ISSUE.startswith("MICROBLOG_DATA_DIR='/some where' ")


@both
def test_a_lone_user_does_not_follow_themselves(issue):
    _, post, read = greeting(URL, [7], issue)
    assert "follow" not in post
    assert read.endswith(f"{URL}/timelines/7")


@pytest.mark.parametrize("users", [[], [7], [7, 9]])
def test_where_tokens_are_needed_each_acts_with_their_own(users):
    first, post, read = greeting(URL, users, ISSUE)
    assert first.startswith("AUTHOR=$(")
    assert "; READER=$(" in first
    assert '/posts/ -H "Authorization: Bearer $AUTHOR"' in post
    assert "Authorization: Bearer $READER" in read


@pytest.mark.parametrize("users", [[], [7], [7, 9]])
def test_an_open_server_issues_no_tokens(users):
    assert "Authorization" not in " ".join(greeting(URL, users, None))


@both
@pytest.mark.parametrize("users", [[], [7], [7, 9]])
def test_every_line_is_one_that_a_shell_understands(users, issue):
    script = "\n".join(greeting(URL, users, issue))
    assert subprocess.run(["sh", "-n", "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("users", [[], [7, 9]])
def test_the_reader_follows_with_a_token_of_theirs(users):
    _, post, _ = greeting(URL, users, ISSUE)
    follow, _, _ = post.partition("--next")
    assert 'Authorization: Bearer $READER"' in follow


@both
@pytest.mark.parametrize("users", [[], [7], [7, 9]])
def test_an_address_of_ipv6_is_no_pattern_of_the_shells(users, issue):
    lines = greeting("http://[::1]:6066", users, issue)
    assert all("'http://[::1]:6066/" in line for line in lines[1:])
    for line in lines:
        assert not re.search("(?<!')http://", line)  # all of them in quotes
