"""The docs name only what exists: a renamed file, setting, metric, command, URL or log event fails `make check`."""

from pathlib import Path

import pytest

from tools.docs import dead_links
from tools.docs_names import Names, unknown_names, unknown_paths

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def names():
    return Names(ROOT)


@pytest.mark.parametrize(
    "page",
    [
        "see `aio/priority_semaphore.py` and `tests/support/contracts/`",
        "`MICROBLOG_WEB_PORT` and `MICROBLOG_ADMIN_TOKEN_FILE`",
        "`microblog_outbox_depth` and `microblog_timelines_repaired_total`",
        "    make run\n\nor `make test`",
        "`faust -A microblog_streams import-graph FILE`",
        "    $ microblog --as ann timeline --limit 1",
        "`GET /timelines/{userId}`, `/followees`, `/table/`, `/problems/not-found`, `GET /users/?username=`",
        "`store_silent store=rates` in the log",
        "`rowsInDoubt`, `delivery.rowsInDoubt` and `--sample 10`",
        "    $ faust -A microblog_streams rebuild --help\n    $ other --made-up",
        '    $ curl -X POST localhost:6066/users/2/follow/1\n    {"followerId":2}',
    ],
)
def test_what_exists_passes(names, page):
    assert list(unknown_names(names, page)) == []


@pytest.mark.parametrize(
    ("page", "named"),
    [
        ("see `stores/no_such_file.py`", "stores/no_such_file.py"),
        ("`tests/nowhere/`", "tests/nowhere/"),
        ("set `MICROBLOG_NO_SUCH_SETTING`", "MICROBLOG_NO_SUCH_SETTING"),
        ("    export MICROBLOG_NO_SUCH_SETTING=1", "MICROBLOG_NO_SUCH_SETTING"),
        ("`microblog_made_up_seconds{store}`", "microblog_made_up_seconds"),
        ("    make coffee", "coffee"),
        ("`faust -A microblog_streams brew`", "brew"),
        ("    $ microblog brew", "brew"),
        ("`GET /teapots/{id}`", "/teapots/{id}"),
        ("`/problems/no-such-problem`", "/problems/no-such-problem"),
        ("`made_up_event store=…` in the log", "made_up_event"),
        ("`store_silen` in the log", "store_silen"),
        ("`microblog_outbox_dept`", "microblog_outbox_dept"),
        ("`/problems/bad-requests`", "/problems/bad-requests"),
        ("`/problems/users`", "/problems/users"),
        ("`rowsInDebt`", "rowsInDebt"),
        ("`delivery.rowsInDebt`", "rowsInDebt"),
        ("`--no-such-option 10`", "--no-such-option"),
        ("    $ faust -A microblog_streams verify --no-such-option", "--no-such-option"),
        ("    $ curl localhost:6066/users/2/likes/1", "/users/2/likes/1"),
        ('    {"postIdentifier":1}', "postIdentifier"),
    ],
)
def test_what_does_not_exist_is_named(names, page, named):
    [line] = unknown_names(names, page)
    assert named in line
    assert line.endswith("does not exist")


def test_links_lead_to_files_and_headings(tmp_path):
    (tmp_path / "other.md").write_text("# Other\n\n## What's `new`, here\n\n```\n# no heading\n```\n")
    text = "# Page\n[1](#page) [2](other.md#whats-new-here) [3](#no) [4](other.md#no-heading) [5](none.md) [6](https://x/#y)"
    (tmp_path / "page.md").write_text(text)

    assert list(dead_links(tmp_path / "page.md", text)) == [
        "the link to #no leads to no heading",
        "the link to other.md#no-heading leads to no heading",
        "the link to none.md leads nowhere",
    ]


def test_comments_of_configuration_files_are_read_too(names):
    comments = "# aio/priority_semaphore.py is one\n  # no/such/module.py is none\nkey = no/such/value.py\n"
    assert list(unknown_paths(names, comments)) == ["no/such/module.py does not exist"]
