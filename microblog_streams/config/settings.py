"""All settings in one validated model, read from ``MICROBLOG_*`` variables and the local stack's file.

``make infra`` and ``make run`` write ``<data>/stack.env``, by which a worker in another terminal finds the stack; the
environment takes precedence. ``make docs`` generates docs/settings.md from this model. Neither a person nor a
well-behaved program reaches the default rate limits; an empty rate means no limit.
"""

import os
import re
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Literal, NoReturn, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from microblog_streams.config import addresses
from microblog_streams.config.addresses import Networks, Origins
from microblog_streams.config.infrastructure_settings import PREFIX, InfrastructureSettings
from microblog_streams.domain.errors import SetupError
from microblog_streams.domain.rates import Rates

__all__ = [
    "PREFIX",
    "STACK_ENV",
    "Port",
    "Seconds",
    "Settings",
    "exit_with_error",
    "first_error",
    "load_settings",
    "load_settings_or_exit",
]

#: The local stack's file in the data folder.
STACK_ENV = "stack.env"
#: Kubernetes sets such variables in every pod, for each Service of its namespace: ``NAME_PORT=tcp://10.0.0.1:6066``.
_SERVICE_LINK = re.compile(r"(?:tcp|udp|sctp)://")
#: A lease ends so long before the session: time for the step itself, and for a heartbeat's answer.
LEASE_MARGIN_SECONDS = 2.0

Seconds = Annotated[float, Field(gt=0, le=3600)]
Port = Annotated[int, Field(ge=1, le=65535)]


class RateLimitSettings(BaseSettings):
    """What limits callers: rates, the number of followees, and how to find a caller's address."""

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
    limit_searching: Rates = Field(
        "60/minute;3000/day", description="Searches, by user, or by address without a token."
    )
    limit_signing_in: Rates = Field(
        "10/minute;100/hour",
        description="Sign-ins, by address and by username; invalid tokens, by address.",
    )
    max_followees: int = Field(7500, ge=0, le=1_000_000, description="Users that one user may follow; 0: no limit.")
    max_streams_per_user: int = Field(
        16, ge=0, le=1_000_000, description="Live streams of one user at the same time, by worker; 0: no limit."
    )
    max_streams_per_address: int = Field(
        64,
        ge=0,
        le=1_000_000,
        description="Live streams of one address (of IPv6: a /64 network) at the same time, by worker; 0: no limit.",
    )
    trusted_proxies: Networks = Field(
        (),
        description="Networks of the proxies in front of the workers, with commas between them: `10.0.0.0/8,fd00::/8`. "
        "Only these are believed about a caller's address.",
    )
    proxy_header: Literal["X-Forwarded-For", "Forwarded"] = Field(
        "X-Forwarded-For",
        description="The header in which they send it. They must append to it or replace it.",
    )


class Settings(RateLimitSettings, InfrastructureSettings):
    """Every setting of a worker, a command and the local stack."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    data_dir: Path = Field(Path(".data"), description="Folder of the workers' tables and the local stack's data.")
    worker: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
        description="The worker's name, its folder below `<data>/workers`, and its Kafka instance id. "
        "Default: `w<web port>`.",
    )
    static_membership: bool = Field(
        False,
        description="Join Kafka with the worker's name as instance id: a restart within the session time-out "
        "causes no rebalance; a final stop is noticed only after it.",
    )
    roles: Literal["both", "web", "streams"] = Field(
        "both",
        description="What the worker does: `streams` consumes events, and has no URL but its health and the pages that "
        "show internals; `web` only serves REST, outside the group.",
    )
    generation: Literal["present", "next"] = Field(
        "present",
        description="`next`: during a repartition, run in the next topic set as soon as its table is filled, beside "
        "the workers of the present one. No difference at other times.",
    )
    web_host: Annotated[str, AfterValidator(addresses.host_without_brackets)] = Field(
        "127.0.0.1",
        description="Address (or a name for it) that a worker's web server binds. `0.0.0.0`: all of IPv4; `::`: all of "
        "IPv6 and IPv4.",
    )
    web_port: Port = Field(6066, description="Port of the (first) worker's web server.")
    auth: Literal["required", "open"] = Field(
        "required",
        description="`required`: to act as a user, or read their home timeline, a client needs a token of theirs. "
        "`open`: all clients may do everything, as clients of the original contract expect; refused unless "
        "`MICROBLOG_WEB_HOST` is a loopback address.",
    )
    public_url: Annotated[str, AfterValidator(lambda url: url.rstrip("/"))] | None = Field(
        None,
        pattern=r"^https?://[^/?#@\s]+/?$",
        description="URL at which people reach the page: `https://microblog.example`. With `https` the cookie of a "
        "session is sent over TLS only. Default: the host that a browser asks for, and the scheme that a trusted "
        "proxy says in `X-Forwarded-Proto`.",
    )
    robots: Literal["none", "all"] = Field(
        "none", description="Whether search engines may list the pages of people and posts: `none`, or `all`."
    )
    token_days: int = Field(365, ge=1, le=3650, description="Days that a token is valid.")
    name_hold_days: int = Field(
        30, ge=0, le=3650, description="Days after a user's deletion until their name can be registered again."
    )
    web_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#@\s]+$",
        description="URL at which other workers reach this one, for the pages behind the admin token: "
        "`http://worker-1:6066`. Default: `http://<web host>:<web port>`, which must then work from there.",
    )
    cors_origins: Origins = Field(
        (),
        description="Origins whose pages may call the API from a browser, separated by commas: "
        "`https://app.example,http://localhost:3000`; `*`: all.",
    )
    head_timeout: Seconds = Field(
        10.0, description="Seconds that a client has to send a request's first line and headers."
    )
    max_connections: int = Field(
        4096,
        ge=1,
        le=1_000_000,
        description="Most connections of a worker's web server; never more than half of the process's limit of open "
        "files.",
    )
    max_connections_per_address: int = Field(
        256,
        ge=0,
        le=1_000_000,
        description="Most connections of one address (of IPv6: a /64 network); 0: no limit. Behind a proxy all are the "
        "proxy's.",
    )
    admin_token: SecretStr | None = Field(
        None,
        min_length=16,
        description="The token for the pages that show internals (`Authorization: Bearer …`). Without one they "
        "answer 404. The local stack writes one to `<data>/admin.token`.",
    )
    metrics_networks: Networks = Field(
        (ip_network("127.0.0.0/8"), ip_network("::1/128")),
        description="Networks that may read `/metrics` without the admin token, with commas between them: "
        "`10.0.0.0/8,fd00::/8`. Empty: none. A request that a proxy has sent on counts only if the proxy is one of "
        "`MICROBLOG_TRUSTED_PROXIES`, and then for its client.",
    )

    clock_limit: float = Field(
        30.0,
        gt=1,
        le=86_400,
        description="Seconds that a worker's clock may differ from PostgreSQL's; beyond, the worker is not ready: "
        "posts are ordered by the workers' clocks.",
    )
    standby_replicas: int = Field(0, ge=0, le=3, description="Warm copies of each table partition on other workers.")

    publish_timeout: Seconds = Field(1.5, description="Seconds until an unconfirmed publish is an unknown outcome.")
    store_timeout: Seconds = Field(2.0, description="Seconds that one call of a store may take.")
    pool_size: int = Field(10, ge=2, le=200, description="PostgreSQL connections of a worker.")
    cassandra_in_flight: int = Field(96, ge=1, le=1024, description="Cassandra requests of a worker at a time.")

    session_timeout: Seconds = Field(10.0, description="Seconds without heartbeat after which Kafka gives a worker up.")
    heartbeat_interval: Seconds = Field(3.0, description="Seconds between heartbeats.")
    commit_interval: Seconds = Field(0.5, description="Seconds between commits of offsets.")
    window: int = Field(64, ge=1, le=4096, description="Effects that run at a time, by partition.")
    unacked: int = Field(20_000, ge=1, description="Events that are applied and not yet acknowledged, by partition.")
    ack_hold: float = Field(
        2.5,
        ge=0,
        le=60,
        description="Seconds from an effect to its acknowledgement: more than a crash of Redis can lose.",
    )
    on_failure: Literal["halt", "dead-letter"] = Field(
        "halt",
        description="After five failed attempts at an event: halt its partition, or send it to dead.letters.",
    )
    reconcile_interval: float = Field(
        5.0,
        ge=0,
        le=86_400,
        description="Seconds between two audits of a random timeline by a worker that consumes events; 0: none.",
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="The lowest level that is logged."
    )
    log_format: Literal["auto", "json", "human"] = Field(
        "auto",
        description="How log lines are written: `json`: an object a line; `human`: for people; `auto`: for people on a "
        "terminal, else JSON.",
    )
    traces: Literal["off", "otlp"] = Field(
        "off",
        description="`otlp`: send traces of requests and events to a collector, as the `OTEL_*` variables say.",
    )
    log_personal: bool = Field(
        False,
        description="Log also names and addresses of clients, paths as they were sent, and messages of errors that may "
        "quote a request's data.",
    )

    @model_validator(mode="after")
    def _leases_outlast_heartbeats(self) -> Self:
        if self.session_timeout < 2 * self.heartbeat_interval + LEASE_MARGIN_SECONDS:
            raise ValueError(
                f"{PREFIX}SESSION_TIMEOUT must be at least twice {PREFIX}HEARTBEAT_INTERVAL and "
                f"{LEASE_MARGIN_SECONDS:g} s: a lease ends so long before the session, and would "
                "lapse between two heartbeats"
            )
        return self

    @model_validator(mode="after")
    def _open_to_this_machine_alone(self) -> Self:
        if self.auth == "open" and not addresses.is_loopback(self.web_host):
            raise ValueError(
                f"{PREFIX}AUTH=open lets every client act as any user: {PREFIX}WEB_HOST must be a loopback address, "
                "such as 127.0.0.1"
            )
        return self

    @property
    def worker_name(self) -> str:
        """The worker's name; by default from its web port."""
        return self.worker or f"w{self.web_port}"

    @property
    def own_url(self) -> str:
        """The URL at which other workers reach this one, without a slash at its end."""
        return self.web_url or f"http://{addresses.join_host_port(self.web_host, self.web_port)}"

    @property
    def serves_api(self) -> bool:
        """Whether the worker serves the API."""
        return self.roles != "streams"

    @property
    def worker_dir(self) -> Path:
        """The worker's folder, with Faust's tables and the lock that keeps a second worker out."""
        return self.data_dir.absolute() / "workers" / self.worker_name


def load_settings() -> Settings:
    """Read the settings. Raises SetupError with one line that names the wrong variable."""
    data_dir = Path(os.environ.get(f"{PREFIX}DATA_DIR") or ".data")
    try:
        return Settings(_env_file=data_dir / STACK_ENV)
    except OSError as exc:
        message = f"the data folder {data_dir} cannot be read ({exc.strerror}): set {PREFIX}DATA_DIR to another"
        raise SetupError(message) from None
    except ValidationError as exc:
        raise SetupError(first_error(exc)) from None


def first_error(error: ValidationError) -> str:
    """Return the first error as one line without the value. An error of several variables names them itself."""
    first = error.errors(include_url=False)[0]
    message = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return message
    variable = f"{PREFIX}{first['loc'][0]}".upper()
    if variable.endswith("_PORT") and _SERVICE_LINK.match(str(first["input"])):
        service = variable.removesuffix("_PORT").lower().replace("_", "-")
        return (
            f"{variable} is what Kubernetes sets for a Service named {service}, not a setting: "
            "put `enableServiceLinks: false` in the pod's spec, or rename the Service"
        )
    return f"{variable}: {message}"


def load_settings_or_exit() -> Settings:
    """Read the settings. If they are wrong, end the process with that line."""
    try:
        return load_settings()
    except SetupError as exc:
        exit_with_error(exc)


def exit_with_error(error: SetupError) -> NoReturn:
    """End the process with one line and exit status 3, as all expected failures do."""
    print(f"microblog: {error}", file=sys.stderr)
    raise SystemExit(3)


#: Settings without limits, for load tests and for tests of other parts.
NO_LIMITS: Final = {name: "" for name in RateLimitSettings.model_fields if name.startswith("limit_")} | {
    "max_followees": "0",
    "max_streams_per_user": "0",
    "max_streams_per_address": "0",
}
