"""Rates and networks in settings, and verdicts."""

import pytest

from microblog_streams.config.settings import NO_LIMITS, Settings, load_settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.domain.rates import Left, Verdict, parse


@pytest.fixture
def loaded(monkeypatch, tmp_path):
    """Load the settings with one variable."""

    def load(name, value):
        monkeypatch.setenv("MICROBLOG_DATA_DIR", str(tmp_path))
        monkeypatch.setenv(f"MICROBLOG_{name}", value)
        return getattr(load_settings(), name.lower())

    return load


def windows(text):
    return [(rate.amount, rate.get_expiry()) for rate in parse(text)]


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("", []),
        ("  ", []),
        ("60/minute", [(60, 60)]),
        ("2000/day;60/minute", [(60, 60), (2000, 86_400)]),
        ("5 per 2 hours, 1/second", [(1, 1), (5, 7200)]),
        ("1000000000/month", [(1_000_000_000, 2_592_000)]),
    ],
)
def test_rates_are_sorted_by_period(text, rates):
    assert windows(text) == rates


@pytest.mark.parametrize(
    "text", ["60", "60/fortnight", "many/minute", "60/minute;", "-1/minute", "1.5/minute", "9" * 5000]
)
def test_an_invalid_rate_is_refused_and_quoted(loaded, text):
    with pytest.raises(SetupError, match=r"^MICROBLOG_LIMIT_POSTING: .* is no rate: expected rates like 60/minute"):
        loaded("LIMIT_POSTING", text)


@pytest.mark.parametrize("text", ["0/minute", "1000000001/day", "1/2 year"])
def test_a_rate_beyond_the_counters_is_refused(loaded, text):
    with pytest.raises(SetupError, match=r"^MICROBLOG_LIMIT_READING: .* a rate is 1 to 1,000,000,000 requests"):
        loaded("LIMIT_READING", text)


def test_two_rates_of_the_same_period_are_refused(loaded):
    with pytest.raises(SetupError, match=r"^MICROBLOG_LIMIT_FOLLOWING: .* two rates for the same time"):
        loaded("LIMIT_FOLLOWING", "60/minute;90/60 seconds")


@pytest.mark.parametrize("name", sorted(NO_LIMITS))
def test_every_kind_of_request_has_a_default_limit(loaded, name):
    assert Settings.model_fields[name].default
    assert not loaded(name.upper(), NO_LIMITS[name])


def test_no_proxy_is_trusted_by_default():
    assert Settings.model_fields["trusted_proxies"].default == ()


def test_networks_are_read_from_one_variable(loaded):
    assert [str(each) for each in loaded("TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8,192.0.2.1,")] == [
        "10.0.0.0/8",
        "fd00::/8",
        "192.0.2.1/32",
    ]


@pytest.mark.parametrize("value", ["10.0.0.1/8", "proxy.example", "10.0.0.0/33", "*"])
def test_an_invalid_network_is_refused_and_quoted(loaded, value):
    with pytest.raises(SetupError, match=r"^MICROBLOG_TRUSTED_PROXIES: .*; expected networks like 10.0.0.0/8,fd00::/8"):
        loaded("TRUSTED_PROXIES", value)


MINUTE, DAY = parse("60/minute;2000/day")


@pytest.mark.parametrize(
    ("left", "tightest"),
    [
        ([Left(MINUTE, 3, 20), Left(DAY, 700, 40)], MINUTE),
        ([Left(MINUTE, 59, 20), Left(DAY, 7, 40)], DAY),
        ([Left(MINUTE, 0, 20), Left(DAY, 0, 40)], DAY),
        ([Left(MINUTE, 0, 20), Left(DAY, 1, 40)], MINUTE),
    ],
)
def test_the_tightest_rate_is_the_one_that_stops_the_caller(left, tightest):
    assert Verdict(True, left).tightest.rate == tightest


@pytest.mark.parametrize(("seconds", "wait"), [(0.0, 1), (0.2, 1), (1.0, 1), (1.01, 2), (59.5, 60)])
def test_the_wait_is_rounded_up_to_at_least_a_second(seconds, wait):
    assert Verdict(False, [Left(MINUTE, 0, seconds)]).wait == wait


def test_an_aged_verdict_has_a_shorter_wait():
    later = Verdict(True, [Left(MINUTE, 0, 20), Left(DAY, 3, 2)]).aged(5)

    assert (later.granted, later.left) == (False, [Left(MINUTE, 0, 15), Left(DAY, 3, 0)])
