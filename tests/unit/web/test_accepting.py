"""Which form of an answer a caller prefers."""

import pytest
from aiohttp.test_utils import make_mocked_request

from web.admin.content_negotiation import preferred

OFFERED = ("application/json", "text/html")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html", "text/html"),
        ("text/*", "text/html"),
        ("TEXT/HTML; q=0.9, application/json; q=0.8", "text/html"),
        ("text/html;q=0.8,application/json", "application/json"),
        ("text/html;q=0, */*", "application/json"),
        ("application/json;q=0, */*;q=0.1", "text/html"),
        ("text/html;level=1, */*;q=0.1", "text/html"),
        ("image/png", "application/json"),
        ("text/html;q=nonsense", "text/html"),
        (",;,", "application/json"),
    ],
)
def test_the_weightiest_is_preferred_and_the_first_among_equals(accept, kind):
    request = make_mocked_request("GET", "/", headers={"Accept": accept} if accept is not None else {})

    assert preferred(request, OFFERED) == kind
