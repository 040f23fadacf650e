"""Which request draws from which rate limit, whose limit it is, and what the headers say."""

import pytest
from aiohttp.test_utils import make_mocked_request

from microblog_streams.config.settings import Settings
from microblog_streams.domain.rates import Left, Verdict, parse
from web.http.params import canonical
from web.http.problems import TooManyRequests
from web.http.responses import rate_limit_headers
from web.middlewares.client_address import ClientAddresses
from web.middlewares.rate_limits import LIMITS
from web.routes import API

READING = {"GET", "HEAD", "OPTIONS"}
#: Calls whose limit is that of reading: they cost no more.
CHEAP = {("DELETE", "/tokens/{token}")}


def test_every_call_that_changes_something_is_named_in_the_table():
    changes = {
        (method.upper(), canonical(path))
        for path, view in API
        for method in ("post", "put", "patch", "delete")
        if method in vars(view)
    }

    assert len(changes) > 5
    assert changes - LIMITS.keys() - CHEAP == set()


def test_reading_draws_from_no_other_limit():
    """Searches are not read from a cache: they have a limit of their own."""
    reading = {path for method, path in LIMITS if method in READING}

    assert reading == {"/search/posts", "/search/users", "/trends/tags"}


def test_the_headers_tell_all_rates_and_what_is_left_of_the_tightest():
    minute, day, week = parse("60/minute;2000/day;9000/7 days")
    verdict = Verdict(True, [Left(minute, 50, 29.2), Left(day, 40, 3.0), Left(week, 8000, 1.0)])

    assert rate_limit_headers("posting", verdict) == {
        "RateLimit-Policy": '"posting";q=60;w=60, "posting-day";q=2000;w=86400, "posting-7-day";q=9000;w=604800',
        "RateLimit": '"posting-day";r=40;t=3',
    }


def test_the_error_says_what_is_used_up_and_when_there_is_more():
    error = TooManyRequests("signing-in", Verdict(False, [Left(*parse("10/minute"), 0, 11.5)]))

    assert str(error) == "Rate limit exceeded: signing-in allows 10 requests per minute. Try again in 12 s."
    assert error.headers["Retry-After"] == "12"
    assert error.headers["RateLimit"] == '"signing-in";r=0;t=12'


def test_the_error_names_a_window_of_several_days():
    error = TooManyRequests("posting", Verdict(False, [Left(*parse("9000/7 days"), 0, 60.0)]))

    assert str(error) == "Rate limit exceeded: posting allows 9000 requests per 7 days. Try again in 60 s."


class Transport:
    """The connection of a request, as far as its address goes."""

    def __init__(self, peer):
        self.peer = peer

    def get_extra_info(self, name, default=None):
        return (self.peer, 4711) if name == "peername" and self.peer else default


@pytest.fixture
def seen():
    """Return as whose a request counts that comes from ``peer`` with these headers."""

    def of(peer, *headers, **settings):
        request = make_mocked_request("GET", "/", headers=headers, transport=Transport(peer))
        return ClientAddresses(Settings(**settings)).of(request)

    return of


def x(*hops):
    return [("X-Forwarded-For", hop) for hop in hops]


def forwarded(*hops):
    return [("Forwarded", hop) for hop in hops]


@pytest.mark.parametrize(
    ("peer", "name"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, "nowhere"),
    ],
)
def test_a_caller_is_an_ipv4_address_or_an_ipv6_network(seen, peer, name):
    assert seen(peer) == name


@pytest.mark.parametrize("headers", [x("198.51.100.1"), forwarded("for=198.51.100.1"), x("127.0.0.1", "::1")])
def test_what_a_caller_says_of_their_address_is_not_believed(seen, headers):
    assert seen("192.0.2.7", *headers) == "192.0.2.7"
    assert seen("192.0.2.7", *headers, trusted_proxies="10.0.0.0/8") == "192.0.2.7"


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        (x("198.51.100.1"), "198.51.100.1"),
        (x("203.0.113.9, 198.51.100.1"), "198.51.100.1"),
        (x("203.0.113.9", "198.51.100.1"), "198.51.100.1"),
        (x("198.51.100.1, 10.1.1.1, 10.2.2.2"), "198.51.100.1"),
        (x("198.51.100.1:5000"), "198.51.100.1"),
        (x("2001:db8:1:2::9"), "2001:db8:1:2::/64"),
        (x("[2001:db8:1:2::9]:443"), "2001:db8:1:2::/64"),
        (x("10.3.3.3, 10.2.2.2"), "10.3.3.3"),
        (x("203.0.113.9, nonsense"), "10.0.0.1"),
        (x("203.0.113.9, unknown, 10.2.2.2"), "10.2.2.2"),
        (x(""), "10.0.0.1"),
        (x("\u00b2.1.1.1"), "10.0.0.1"),
        ([], "10.0.0.1"),
        (forwarded("for=198.51.100.1"), "10.0.0.1"),
    ],
)
def test_behind_a_trusted_proxy_the_last_hop_that_is_not_trusted_counts(seen, headers, name):
    assert seen("10.0.0.1", *headers, trusted_proxies="10.0.0.0/8") == name


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        (forwarded("for=198.51.100.1;proto=https"), "198.51.100.1"),
        (forwarded('for=203.0.113.9, for="[2001:db8:1:2::9]:443"'), "2001:db8:1:2::/64"),
        (forwarded("for=203.0.113.9", "for=198.51.100.1, for=10.2.2.2"), "198.51.100.1"),
        (forwarded("for=203.0.113.9, for=_hidden"), "10.0.0.1"),
        (forwarded("for=203.0.113.9, proto=https"), "10.0.0.1"),
        (x("198.51.100.1"), "10.0.0.1"),
    ],
)
def test_only_the_header_of_the_settings_is_looked_at(seen, headers, name):
    assert seen("10.0.0.1", *headers, trusted_proxies="10.0.0.0/8", proxy_header="Forwarded") == name
