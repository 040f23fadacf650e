"""docs/api.md: every call on the page is made, and its response must be as the page shows."""

import re
from pathlib import Path

from microblog_streams.config.settings import RateLimitSettings
from tests.component.web.page_examples import Example, Reader
from web import routes
from web.http import problems
from web.http.problems import CONTENT_TYPE

#: The page speaks of the limits that hold unless they are set.
LIMITS = {name: field.default for name, field in RateLimitSettings.model_fields.items()}
PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text()


def examples():
    """Return each call of the page with what it shows."""
    blocks = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    return [Example.of(text) for block in blocks for text in block.split("$ ")[1:]]


async def test_every_call_of_the_page_is_answered_as_it_says(make_front):
    front = await make_front(names=(), auth="required", **LIMITS)
    reader = Reader(front.client)
    assert len(examples()) > 10

    for example in examples():
        front.app.timelines.lists.clear()  # no agents here: a cold timeline is put together on reading
        await reader.follow(example)


def test_the_page_names_every_type_of_problem():
    slugs = {problem.slug for _, problem in problems._PROBLEM_TYPES} | {"internal", "unknown-path"}

    assert {slug for slug in slugs if f"`/problems/{slug}`" not in PAGE} == set()
    assert CONTENT_TYPE in PAGE


def test_the_page_names_every_path():
    nouns = {path.strip("/").split("/")[-1] for path in routes.PATHS if not path.endswith("}")}

    assert {noun for noun in nouns if f"/{noun}" not in PAGE} == set()
