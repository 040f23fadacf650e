"""Which media type a client prefers."""

import pytest
from aiohttp.test_utils import make_mocked_request

from web.http.responses import preferred_type

OFFERED = ("application/json", "text/html")


@pytest.mark.parametrize(
    ("accept", "media_type"),
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
def test_the_highest_weight_is_preferred_and_the_first_of_equal_weights(accept, media_type):
    request = make_mocked_request("GET", "/", headers={"Accept": accept} if accept is not None else {})

    assert preferred_type(request, OFFERED) == media_type
