"""All settings, in one validated model: ``MICROBLOG_*`` variables, or the file that the local stack writes.

The environment wins over ``<data>/stack.env``, which ``make infra`` and ``make run`` write, so that a worker in
another terminal finds the stack without being told. docs/settings.md is made from this model (``make docs``).
"""

import os
import re
import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import SettingsConfigDict

from microblog_streams.config import addresses
from microblog_streams.config.infrastructure_settings import PREFIX, Infrastructure
from microblog_streams.config.origins import Origins
from microblog_streams.config.rate_limit_settings import Limiting
from microblog_streams.domain.errors import SetupError

__all__ = [
    "PREFIX",
    "STACK_ENV",
    "Port",
    "Seconds",
    "Settings",
    "first_mistake",
    "load_settings",
    "load_settings_or_exit",
    "stop_with",
]

#: What the local stack writes below the data folder, and settings read.
STACK_ENV = "stack.env"
#: What Kubernetes sets in every pod of a namespace for each of its Services: ``NAME_PORT=tcp://10.0.0.1:6066``.
_SERVICE_LINK = re.compile(r"(?:tcp|udp|sctp)://")
#: Seconds by which a lease ends before the session: for the step itself, and between asking and answering.
LEASE_MARGIN = 2.0

Seconds = Annotated[float, Field(gt=0, le=3600)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(Limiting, Infrastructure):
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
        "disturbs nobody; a final stop is noticed only after it.",
    )
    roles: Literal["both", "web", "streams"] = Field(
        "both",
        description="What the worker does: `streams` consumes events, and has no URL but its health and the pages that "
        "show internals; `web` only serves REST, outside the group.",
    )
    generation: Literal["present", "next"] = Field(
        "present",
        description="`next`: while partitions are grown, run in the next generation of topics as soon as its table is "
        "filled, beside the workers of the present one. No difference at any other time.",
    )
    web_host: Annotated[str, AfterValidator(addresses.bare)] = Field(
        "127.0.0.1",
        description="Address that a worker's web server binds, or a name of it. `0.0.0.0`: all of IPv4; `::`: all, of "
        "IPv4 too.",
    )
    web_port: Port = Field(6066, description="Port of the (first) worker's web server.")
    auth: Literal["required", "open"] = Field(
        "required",
        description="`required`: who acts as somebody, or reads their home timeline, shows a token of theirs. `open`: "
        "everybody may do everything, as clients of the original contract expect; refused unless `MICROBLOG_WEB_HOST` "
        "is this machine alone.",
    )
    token_days: int = Field(365, ge=1, le=3650, description="Days that a token is good for.")
    name_hold_days: int = Field(
        30, ge=0, le=3650, description="Days after the deletion of a user for which nobody can register their name."
    )
    web_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#@\s]+$",
        description="Where the other workers reach this one, as they do for the pages behind the admin token: "
        "`http://worker-1:6066`. Default: `http://<web host>:<web port>`, which must then lead here from there.",
    )
    cors_origins: Origins = Field(
        (),
        description="Origins whose pages may call the API from a browser, with commas between them: "
        "`https://app.example,http://localhost:3000`; `*`: all.",
    )
    head_timeout: Seconds = Field(
        10.0, description="Seconds that a client has to send a request's first line and headers; then it is cut off."
    )
    max_connections: int = Field(
        4096,
        ge=1,
        le=1_000_000,
        description="Connections of a worker's web server, at most; never more than half of the files that the process "
        "may open.",
    )
    max_connections_per_address: int = Field(
        256,
        ge=0,
        le=1_000_000,
        description="How many of them one address may have (of IPv6: a network of 64 bits); 0: any number. Behind a "
        "proxy all are the proxy's.",
    )
    admin_token: SecretStr | None = Field(
        None,
        min_length=16,
        description="Opens the pages that show internals (`Authorization: Bearer …`). Without it they answer 404. "
        "The local stack writes one to `<data>/admin.token`.",
    )

    clock_limit: float = Field(
        30.0,
        gt=1,
        le=86_400,
        description="Seconds by which a worker's clock may differ from PostgreSQL's, or the worker is not ready: posts "
        "are in the order of the clocks.",
    )
    standby_replicas: int = Field(0, ge=0, le=3, description="Warm copies of each table partition on other workers.")

    publish_timeout: Seconds = Field(1.5, description="Seconds until an unconfirmed publish is an unknown outcome.")
    store_timeout: Seconds = Field(2.0, description="Seconds that one call of a store may take.")
    pool_size: int = Field(10, ge=2, le=200, description="PostgreSQL connections of a worker.")
    cassandra_in_flight: int = Field(96, ge=1, le=1024, description="Cassandra requests of a worker at a time.")

    session_timeout: Seconds = Field(10.0, description="Seconds without heartbeat after which Kafka gives a worker up.")
    heartbeat_interval: Seconds = Field(3.0, description="Seconds between heartbeats.")
    commit_interval: Seconds = Field(0.5, description="Seconds between commits of offsets.")
    window: int = Field(64, ge=1, le=4096, description="Effects running at a time, a partition.")
    unacked: int = Field(20_000, ge=1, description="Events finished and not yet acknowledged, a partition.")
    ack_hold: float = Field(
        2.5,
        ge=0,
        le=60,
        description="Seconds between an effect and its acknowledgement: what a crash of Redis can lose.",
    )
    on_failure: Literal["halt", "dead-letter"] = Field(
        "halt",
        description="After five failed tries of an event: halt its partition, or send it to dead.letters.",
    )
    reconcile_interval: float = Field(
        5.0,
        ge=0,
        le=86_400,
        description="Seconds between two audits of somebody's timeline by a worker that consumes events; 0: none.",
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")

    @model_validator(mode="after")
    def _leases_outlast_heartbeats(self) -> Self:
        if self.session_timeout < 2 * self.heartbeat_interval + LEASE_MARGIN:
            raise ValueError(
                f"{PREFIX}SESSION_TIMEOUT must be at least twice {PREFIX}HEARTBEAT_INTERVAL and {LEASE_MARGIN:g} s: "
                "leases end so long before the session, and would lapse between two heartbeats"
            )
        return self

    @model_validator(mode="after")
    def _open_to_this_machine_alone(self) -> Self:
        if self.auth == "open" and not addresses.is_loopback(self.web_host):
            raise ValueError(
                f"{PREFIX}AUTH=open lets everybody act as anybody: {PREFIX}WEB_HOST must be a loopback address, "
                "such as 127.0.0.1"
            )
        return self

    @property
    def worker_name(self) -> str:
        """The worker's name, by its web port unless it was given one."""
        return self.worker or f"w{self.web_port}"

    @property
    def own_url(self) -> str:
        """Where the other workers reach this one, without a slash at its end."""
        return self.web_url or f"http://{addresses.joined(self.web_host, self.web_port)}"

    @property
    def serves_api(self) -> bool:
        """Whether the worker serves the API."""
        return self.roles != "streams"

    @property
    def worker_dir(self) -> Path:
        """The worker's own folder: Faust's tables and the lock that keeps a second worker out."""
        return self.data_dir.absolute() / "workers" / self.worker_name


def load_settings() -> Settings:
    """Read the settings. Raises SetupError with one line that names the variable that is wrong."""
    data_dir = Path(os.environ.get(f"{PREFIX}DATA_DIR") or ".data")
    try:
        return Settings(_env_file=data_dir / STACK_ENV)
    except OSError as exc:
        message = f"the data folder {data_dir} cannot be read ({exc.strerror}): set {PREFIX}DATA_DIR to another"
        raise SetupError(message) from None
    except ValidationError as exc:
        raise SetupError(first_mistake(exc)) from None


def first_mistake(error: ValidationError) -> str:
    """Return the first mistake, in one line without the value. One about several variables names them itself."""
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
    """Read the settings; end the process with that one line where they are wrong."""
    try:
        return load_settings()
    except SetupError as exc:
        stop_with(exc)


def stop_with(error: SetupError) -> NoReturn:
    """End the process as every expected failure does: one line, and exit status 3."""
    print(f"microblog: {error}", file=sys.stderr)
    raise SystemExit(3)
