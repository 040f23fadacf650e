"""What concerns the local stack alone; a worker never reads these."""

from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from microblog_streams.config.settings import PREFIX, Port, first_error
from microblog_streams.domain.errors import SetupError

#: What the JVMs of the local stack are good at.
Tuning = Literal["start", "throughput"]


class LocalSettings(BaseSettings):
    """Settings of ``make run`` and ``make infra``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    cache_dir: Path = Field(
        default_factory=lambda: _user_cache(),
        description="Folder of the jars of Kafka, Cassandra and OpenSearch. Default: below the user's cache folder.",
    )
    local_tuning: Tuning = Field(
        "start",
        description="`start`: Kafka, Cassandra and OpenSearch start quickly, with the JVM's first compiler alone. "
        "`throughput`: with both, as in production.",
    )
    kafka_port: Port | None = Field(None, description="Port of the local Kafka. Default: a free one, kept.")
    postgres_port: Port | None = Field(None, description="Port of the local PostgreSQL. Default: a free one, kept.")
    cassandra_port: Port | None = Field(None, description="Port of the local Cassandra. Default: a free one, kept.")
    redis_port: Port | None = Field(None, description="Port of the local Valkey. Default: a free one, kept.")
    opensearch_port: Port | None = Field(
        None, description="Port of the local search engine. Default: a free one, kept."
    )
    gateway_port: Port = Field(8080, description="Port of the gateway of `make run GATEWAY=1`, on loopback.")
    gateway_certificate: Path | None = Field(
        None, description="File of the certificate (PEM, with its chain) with which that gateway speaks TLS and HTTP/2."
    )
    gateway_key: Path | None = Field(None, description="File of the certificate's key (PEM).")

    @property
    def ports(self) -> dict[str, int]:
        """The ports that are set, by the part's port name."""
        names = ("kafka", "postgres", "cassandra", "redis", "opensearch")
        return {name: port for name in names if (port := getattr(self, f"{name}_port")) is not None}


def _user_cache() -> Path:
    try:
        return platformdirs.user_cache_path("microblog-streams")
    except RuntimeError:
        raise SetupError("neither HOME nor /etc/passwd names a home for the cache: set MICROBLOG_CACHE_DIR") from None


def load_local_settings() -> LocalSettings:
    """Read them from the environment. Raises SetupError with one line that names the variable that is wrong."""
    try:
        return LocalSettings()
    except ValidationError as exc:
        raise SetupError(first_error(exc)) from None
