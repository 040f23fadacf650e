"""A library's version is the digest of its code: comments change neither the version nor what is loaded."""

import pytest

from microblog_streams.stores.redis.functions import library

CODE = "#!lua name=it_VERSION\nlocal one = 1 -- one\nregister('it_VERSION')\n"


def test_version_replaces_its_placeholder_everywhere():
    code, version = library(CODE)
    assert code == CODE.replace("VERSION", version)
    assert len(version) == 12


@pytest.mark.parametrize("comment", ["-- One.\n", "  -- One, indented, of VERSION.\n", "--\n"])
def test_comment_lines_are_left_out(comment):
    assert library(CODE.replace("local", f"{comment}local")) == library(CODE)


def test_other_code_is_another_version():
    assert library(CODE)[1] != library(CODE.replace("= 1", "= 2"))[1]
