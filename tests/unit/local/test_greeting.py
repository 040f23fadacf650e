"""The lines to paste, on a fresh system and on one with people in it."""

import json
import shlex
from itertools import pairwise

import pytest

from microblog_streams.local.greeting import greeting

URL = "http://127.0.0.1:6066"


def bodies(line):
    words = shlex.split(line)
    return [json.loads(value) for word, value in pairwise(words) if word == "-d"]


def test_on_a_fresh_system_two_people_register_and_the_second_follows_the_first():
    register, post, read = greeting(URL, [])
    assert bodies(register) == [{"username": "ada"}, {"username": "grace"}]
    assert f"{URL}/users/2/follow/1" in post
    assert bodies(post) == [{"userId": 1, "content": "Hello, world"}]
    assert read.endswith(f"{URL}/timelines/2")


def test_later_the_people_who_are_there_take_part():
    look, post, read = greeting(URL, [7, 9])
    assert f"{URL}/users/7 {URL}/users/9" in look
    assert f"{URL}/users/9/follow/7" in post
    assert bodies(post) == [{"userId": 7, "content": "Hello, world"}]
    assert read.endswith(f"{URL}/timelines/9")


def test_somebody_alone_does_not_follow_themselves():
    _, post, read = greeting(URL, [7])
    assert "follow" not in post
    assert read.endswith(f"{URL}/timelines/7")


@pytest.mark.parametrize("users", [[], [7], [7, 9]])
def test_every_line_is_one_that_a_shell_understands(users):
    assert all("curl" in shlex.split(line) for line in greeting(URL, users))
