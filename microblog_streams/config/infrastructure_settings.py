"""The settings of Kafka, PostgreSQL, Cassandra, Redis and the search engine: addresses, logins, TLS, durability.

For every secret setting ``NAME``, ``NAME_FILE`` can name a file with its value: Docker, Kubernetes and systemd provide
secrets as files, which appear in no process list and no dump of an environment. The TLS contexts that the drivers of
Kafka and Cassandra take are made here too.
"""

import os
import ssl
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from microblog_streams.config import addresses
from microblog_streams.domain.errors import SetupError

PREFIX = "MICROBLOG_"

Consistency = Literal["ONE", "LOCAL_ONE", "LOCAL_QUORUM", "QUORUM", "EACH_QUORUM", "ALL"]
#: A larger file is refused: it is no secret.
MAX_SECRET_BYTES = 64 * 1024


def _url(*schemes: str) -> AfterValidator:
    def check(value: SecretStr) -> SecretStr:
        if addresses.parse(value.get_secret_value()).scheme not in schemes:
            raise ValueError(f"expected {' or '.join(f'{s}://host:port' for s in schemes)}")
        return value

    return AfterValidator(check)


def _search_url(value: SecretStr) -> SecretStr:
    if value.get_secret_value() and addresses.parse(value.get_secret_value()).scheme not in ("http", "https"):
        raise ValueError("expected http://host:port or https://host:port, or nothing")
    return value


_redis_url = _url("redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")


class InfrastructureSettings(BaseSettings):
    """The settings by which workers and commands reach the infrastructure, and which ``migrate`` applies to it."""

    kafka_url: Annotated[SecretStr, _url("kafka")] = Field(
        SecretStr("kafka://127.0.0.1:9092"), description="Kafka's bootstrap servers: `kafka://host:port,host:port`."
    )
    kafka_username: str | None = Field(None, min_length=1, description="Log in to Kafka (SASL) with this name.")
    kafka_password: SecretStr | None = Field(None, min_length=1, description="Its password.")
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How Kafka checks the password. `PLAIN` sends it: only with TLS."
    )
    kafka_tls: bool = Field(False, description="Use TLS for Kafka. The files below turn it on too.")
    kafka_ca: Path | None = Field(
        None, description="CA certificates (PEM) that Kafka's must be signed by. Default: those of the system."
    )
    kafka_cert: Path | None = Field(None, description="Our certificate (PEM), if Kafka asks for one.")
    kafka_key: Path | None = Field(None, description="Its private key (PEM, not encrypted).")

    postgres_url: Annotated[SecretStr, _url("postgresql")] = Field(
        SecretStr("postgresql://microblog@127.0.0.1:5432/microblog"),
        description="PostgreSQL: users, follows, outbox. With several hosts, the primary is found. TLS by libpq's "
        "options: `?sslmode=verify-full&sslrootcert=…`.",
    )

    cassandra_url: Annotated[SecretStr, _url("cassandra")] = Field(
        SecretStr("cassandra://127.0.0.1:9042/microblog"),
        description="Cassandra's contact points (of one data centre) and the keyspace of the posts: "
        "`cassandra://user:password@host,host:port/keyspace`.",
    )
    cassandra_tls: bool = Field(False, description="Use TLS for Cassandra. The files below turn it on too.")
    cassandra_ca: Path | None = Field(
        None, description="CA certificates (PEM) that the nodes' must be signed by. Default: those of the system."
    )
    cassandra_cert: Path | None = Field(None, description="Our certificate (PEM), if the nodes ask for one.")
    cassandra_key: Path | None = Field(None, description="Its private key (PEM, not encrypted).")
    cassandra_check_names: bool = Field(
        True, description="A node's certificate must name its IP address. `false`: any that the CA signed will do."
    )
    cassandra_consistency: Consistency = Field(
        "LOCAL_QUORUM", description="Replicas that must confirm a post, and answer a read of posts."
    )

    redis_url: Annotated[SecretStr, _redis_url] = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        description="Redis or Valkey (7.0 or newer): timelines and caches. `rediss://` is TLS; Sentinel: "
        "`redis+sentinel://user:password@host:port,host:port/service/0`; Redis Cluster: "
        "`redis+cluster://user:password@host:port,host:port`.",
    )
    redis_ca: Path | None = Field(
        None, description="CA certificates (PEM) that Redis' must be signed by. Default: those of the system."
    )
    redis_cert: Path | None = Field(None, description="Our certificate (PEM), if Redis asks for one.")
    redis_key: Path | None = Field(None, description="Its private key (PEM, not encrypted).")
    redis_sentinel_username: str | None = Field(None, min_length=1, description="Log in to the Sentinels themselves.")
    redis_sentinel_password: SecretStr | None = Field(
        None, min_length=1, description="Password of the Sentinels themselves, if they have one."
    )

    search_url: Annotated[SecretStr, AfterValidator(_search_url)] = Field(
        SecretStr(""),
        description="The search engine, OpenSearch 2 or 3 or Elasticsearch 8 or 9: "
        "`https://user:password@host:9200,host:9200`. Empty: no search.",
    )
    search_ca: Path | None = Field(
        None, description="CA certificates (PEM) that the engine's must be signed by. Default: those of the system."
    )
    search_prefix: str = Field(
        "microblog",
        pattern=r"^[a-z][a-z0-9_]{0,49}$",
        description="Beginning of the names of the engine's indices. Deployments that share an engine need different "
        "ones.",
    )

    partitions: int = Field(8, ge=1, le=1024, description="Partitions of every topic, when `migrate` creates them.")
    replication_factor: int = Field(
        1, ge=1, le=7, description="Copies of topics and of the post store, when `migrate` creates them."
    )
    min_insync_replicas: int | None = Field(
        None,
        ge=1,
        le=7,
        description="Copies of a topic that must have an event before it is confirmed, when `migrate` creates it. "
        "Default: 2 of 3 or more copies, else 1.",
    )
    event_retention_days: int = Field(
        7, ge=1, le=3650, description="Days that events stay in Kafka, when `migrate` creates the topics."
    )

    @property
    def has_search(self) -> bool:
        """Whether the deployment has a search engine."""
        return bool(self.search_url.get_secret_value())

    @property
    def min_insync(self) -> int:
        """Copies that must have an event before it is confirmed."""
        return self.min_insync_replicas or (2 if self.replication_factor > 2 else 1)

    @property
    def loopback(self) -> bool:
        """Whether all of it runs on this machine, like the local stack."""
        urls = [self.kafka_url, self.postgres_url, self.cassandra_url, self.redis_url]
        if self.has_search:
            urls.append(self.search_url)
        return all(addresses.parse(url.get_secret_value()).loopback for url in urls)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for part in ("kafka", "cassandra", "redis"):
            if (getattr(self, f"{part}_cert") is None) != (getattr(self, f"{part}_key") is None):
                raise ValueError(_name(part, "cert") + " and " + _name(part, "key") + " go together: set both or none")
        if (self.kafka_username is None) != (self.kafka_password is None):
            raise ValueError("MICROBLOG_KAFKA_USERNAME and MICROBLOG_KAFKA_PASSWORD go together: set both or none")
        if addresses.parse(self.kafka_url.get_secret_value()).user:
            raise ValueError("MICROBLOG_KAFKA_URL: the login belongs in MICROBLOG_KAFKA_USERNAME and _PASSWORD")
        if self.min_insync > self.replication_factor:
            raise ValueError(
                "MICROBLOG_MIN_INSYNC_REPLICAS is above MICROBLOG_REPLICATION_FACTOR: nothing could be sent"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources by precedence: arguments, environment, secret files, stack.env."""
        return init_settings, env_settings, SecretFiles(settings_cls), dotenv_settings


def _name(part: str, what: str) -> str:
    return f"{PREFIX}{part}_{what}".upper()


class SecretFiles(PydanticBaseSettingsSource):
    """A source of pydantic-settings. Raises SetupError with the variable's name, never with the content."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the content of a setting's file, None if the setting has none."""
        variable = f"{self.config['env_prefix']}{field_name}".upper()
        path = os.environ.get(f"{variable}_FILE")
        if not path or not is_secret(field):
            return None, field_name, False
        if variable in os.environ:
            raise SetupError(f"{variable} and {variable}_FILE are both set: keep one of them")
        return _read_secret(f"{variable}_FILE", Path(path)), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the settings that are in files."""
        fields = self.settings_cls.model_fields.items()
        values = {name: self.get_field_value(field, name)[0] for name, field in fields}
        return {name: value for name, value in values.items() if value is not None}


def is_secret(field: FieldInfo) -> bool:
    """Return whether a setting is a secret: its repr hides the value, and a file may hold it."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def _read_secret(variable: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SECRET_BYTES + 1).decode().strip()
    except OSError as exc:
        raise SetupError(f"{variable}: {path} cannot be read: {exc.strerror}") from None
    except UnicodeDecodeError:
        raise SetupError(f"{variable}: {path} is not UTF-8 text") from None
    if not content or len(content) > MAX_SECRET_BYTES:
        raise SetupError(f"{variable}: {path} is {'too large' if content else 'empty'}")
    return content


def client_context(variables: str, ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
    """Return a context that trusts ``ca`` (PEM; None: the system's CAs) and presents ``cert``, if there is one.

    ``variables`` is the prefix of the settings' names (``MICROBLOG_KAFKA``). Raises SetupError for unusable files.
    """
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as exc:  # also ssl.SSLError
        raise SetupError(f"{variables}_CA: {ca} cannot be used: {_reason(exc)}") from None
    if cert is None:
        return context
    try:
        context.load_cert_chain(cert, key, password="")  # without it, an encrypted key asks at the terminal
    except OSError as exc:
        raise SetupError(f"{variables}_CERT, _KEY: {cert} and {key} cannot be used: {_reason(exc)}") from None
    return context


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "not PEM").lower().replace("_", " ")
    return error.strerror or str(error)


def is_certificate_untrusted(error: BaseException) -> bool:
    """Return whether an error, by its text, says that the server's certificate is not trusted: no retry helps."""
    return "certificate verify failed" in str(error).lower().replace("_", " ")


def is_certificate_refused(error: BaseException) -> bool:
    """Return whether an error, by its text, says that the server refused our certificate, or the lack of one."""
    text = str(error).lower().replace("_", " ")
    return ("alert" in text and "certificate" in text) or "alert unknown ca" in text
