"""``RateLimit`` and ``RateLimit-Policy``: what a caller may do, and what is left of it.

Structured fields, as draft-ietf-httpapi-ratelimit-headers has them: every rate is a policy with its quota and window
(q, w); of what remains (r, and t seconds until there is more) only the tightest is told: it is the one that counts.
"""

from collections.abc import Mapping
from math import ceil

from microblog_streams.domain.rates import Rate, Verdict


def fields(budget: str, verdict: Verdict) -> Mapping[str, str]:
    """Return the headers for what a request has left of its budget."""
    names = {each.rate: _name(budget, each.rate, first=not number) for number, each in enumerate(verdict.left)}
    left = verdict.tightest
    return {
        "RateLimit-Policy": ", ".join(f"{name};q={rate.amount};w={rate.get_expiry()}" for rate, name in names.items()),
        "RateLimit": f"{names[left.rate]};r={left.requests};t={ceil(left.seconds)}",
    }


def _name(budget: str, rate: Rate, first: bool) -> str:
    """Return a policy's name: the budget's for the shortest time, and the time besides for the others."""
    times = f"{rate.multiples}-" if rate.multiples > 1 else ""
    return f'"{budget}"' if first else f'"{budget}-{times}{rate.GRANULARITY.name}"'
