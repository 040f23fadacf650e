"""The settings that bound what one caller may do: rates, how many people somebody may follow, and who the caller is.

The defaults are what no person and no sensible program meets. An empty rate is no limit.
"""

from typing import Final, Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from microblog_streams.config.networks import Networks
from microblog_streams.domain.rates import Rates


class Limiting(BaseSettings):
    """How much of everything a caller gets."""

    limit_posting: Rates = Field(
        "60/minute;2000/day",
        description="Posts, written or deleted, a user; an address where nobody is signed in. Several rates hold at "
        "once. Nothing: no limit; so below.",
    )
    limit_following: Rates = Field(
        "120/minute;3000/day",
        description="Follows, unfollows, blocks and unblocks, a user; an address where nobody is signed in.",
    )
    limit_registering: Rates = Field("10/minute;100/day", description="Registrations, an address.")
    limit_reading: Rates = Field(
        "1200/minute",
        description="All other requests of the API, a user; an address where nobody is signed in. Each worker counts "
        "for itself.",
    )
    limit_signing_in: Rates = Field(
        "10/minute;100/hour",
        description="Tries to sign in, an address and also a username; tokens that are not good, an address.",
    )
    max_followees: int = Field(7500, ge=0, le=1_000_000, description="People whom somebody may follow; 0: no limit.")
    trusted_proxies: Networks = Field(
        (),
        description="Networks of the proxies in front of the workers, with commas between them: `10.0.0.0/8,fd00::/8`. "
        "What they say of a caller's address is believed, and nobody else.",
    )
    proxy_header: Literal["X-Forwarded-For", "Forwarded"] = Field(
        "X-Forwarded-For",
        description="The header in which they say it. They must append to it or replace it, whatever a caller sends.",
    )


#: The settings of whom no limit may stop: load tests, and tests of other things.
NO_LIMITS: Final = {name: "" for name in Limiting.model_fields if name.startswith("limit_")} | {"max_followees": "0"}
