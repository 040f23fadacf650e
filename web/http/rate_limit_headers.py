"""``RateLimit`` and ``RateLimit-Policy``: structured fields of draft-ietf-httpapi-ratelimit-headers.

Every rate of a limit is a policy with a quota (q) and a window in seconds (w). Of what remains (r requests, more in t
seconds), only the rate that is used up first is reported.
"""

from collections.abc import Mapping
from math import ceil

from microblog_streams.domain.rates import Rate, Verdict


def rate_limit_headers(limit: str, verdict: Verdict) -> Mapping[str, str]:
    """Return both headers; ``limit`` is the rate limit's name."""
    names = {each.rate: _policy_name(limit, each.rate, first=not at) for at, each in enumerate(verdict.left)}
    left = verdict.tightest
    return {
        "RateLimit-Policy": ", ".join(f"{name};q={rate.amount};w={rate.get_expiry()}" for rate, name in names.items()),
        "RateLimit": f"{names[left.rate]};r={left.requests};t={ceil(left.seconds)}",
    }


def _policy_name(limit: str, rate: Rate, first: bool) -> str:
    """Return ``"posting"`` for the first rate, and ``"posting-day"`` or ``"posting-7-day"`` for the others."""
    count = f"{rate.multiples}-" if rate.multiples > 1 else ""
    return f'"{limit}"' if first else f'"{limit}-{count}{rate.GRANULARITY.name}"'
