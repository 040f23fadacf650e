"""The settings that limit callers: rates, the number of followees, and how to find a caller's address.

Neither a person nor a well-behaved program reaches the defaults. An empty rate means no limit.
"""

from typing import Final, Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from microblog_streams.config.addresses import Networks
from microblog_streams.domain.rates import Rates


class RateLimitSettings(BaseSettings):
    """The limits of one caller."""

    limit_posting: Rates = Field(
        "60/minute;2000/day",
        description="Posts written or deleted, by user, or by address without a token. Several rates apply at once. "
        "Empty: no limit; the same below.",
    )
    limit_following: Rates = Field(
        "120/minute;3000/day",
        description="Follows, unfollows, blocks and unblocks, by user, or by address without a token.",
    )
    limit_registering: Rates = Field("10/minute;100/day", description="Registrations, by address.")
    limit_reading: Rates = Field(
        "1200/minute",
        description="All other requests of the API, by user, or by address without a token. Each worker counts its "
        "own.",
    )
    limit_signing_in: Rates = Field(
        "10/minute;100/hour",
        description="Sign-ins, by address and by username; invalid tokens, by address.",
    )
    max_followees: int = Field(7500, ge=0, le=1_000_000, description="Users that one user may follow; 0: no limit.")
    trusted_proxies: Networks = Field(
        (),
        description="Networks of the proxies in front of the workers, with commas between them: `10.0.0.0/8,fd00::/8`. "
        "Only these are believed about a caller's address.",
    )
    proxy_header: Literal["X-Forwarded-For", "Forwarded"] = Field(
        "X-Forwarded-For",
        description="The header in which they send it. They must append to it or replace it.",
    )


#: Settings without limits, for load tests and for tests of other parts.
NO_LIMITS: Final = {name: "" for name in RateLimitSettings.model_fields if name.startswith("limit_")} | {
    "max_followees": "0"
}
