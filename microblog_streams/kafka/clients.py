"""How every client of ours reaches Kafka: Faust's own, and those that wait for topics and make them.

One place turns the settings into Faust's credentials, and those into the options of aiokafka's clients.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aiokafka.client import collect_hosts
from aiokafka.conn import create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from faust import SASLCredentials, SSLCredentials
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from faust.types.auth import CredentialsT
from yarl import URL

from microblog_streams.config import addresses, infrastructure_settings
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError, StoreUnavailable

PORT = 9092
#: What a broker answers to a login that it will never take.
LOGIN = (SaslAuthenticationFailed, UnsupportedSaslMechanismError, IllegalSaslStateError)


def brokers(settings: Settings) -> list[URL]:
    """Return the bootstrap servers as Faust takes them."""
    address = addresses.parse(settings.kafka_url.get_secret_value())
    return [URL.build(scheme="kafka", host=host, port=port) for host, port in address.hosts_with_ports(PORT)]


def credentials(settings: Settings) -> CredentialsT | None:
    """Return Faust's ``broker_credentials``, None where neither login nor TLS is asked for. Raises SetupError."""
    secured = settings.kafka_tls or settings.kafka_ca or settings.kafka_cert
    files = (settings.kafka_ca, settings.kafka_cert, settings.kafka_key)
    context = infrastructure_settings.client_context("MICROBLOG_KAFKA", *files) if secured else None
    if settings.kafka_username and settings.kafka_password:
        return SASLCredentials(
            username=settings.kafka_username,
            password=settings.kafka_password.get_secret_value(),
            ssl_context=context,
            mechanism=settings.kafka_mechanism,
        )
    return SSLCredentials(context) if context else None


def client_options(settings: Settings) -> dict[str, Any]:
    """Return what every client of aiokafka is made with: where, as whom, how secured. Raises SetupError."""
    address = addresses.parse(settings.kafka_url.get_secret_value())
    places = [addresses.join_host_port(host, port) for host, port in address.hosts_with_ports(PORT)]
    return {"bootstrap_servers": places, **credentials_to_aiokafka_auth(credentials(settings))}


async def reason(options: Mapping[str, Any], timeout: float) -> Exception:
    """Ask why no broker can be reached: a SetupError where the settings are wrong, else a KafkaError with each broker's
    error.

    aiokafka's clients tell a wrong password and a broker that is away by the same words.
    """
    security = {name: value for name, value in options.items() if name != "bootstrap_servers"}
    told: list[str] = []
    for host, port, _ in collect_hosts(options["bootstrap_servers"], randomize=False):
        place = addresses.join_host_port(host, port)
        try:
            connection = await create_conn(host, port, request_timeout_ms=int(timeout * 1000), **security)
            connection.close()
        except LOGIN as exc:
            return SetupError(f"Kafka at {place} refuses the login in MICROBLOG_KAFKA_USERNAME: {exc}")
        except (OSError, KafkaError) as exc:
            cause = exc.__cause__ or exc
            if infrastructure_settings.is_certificate_untrusted(cause):
                return SetupError(
                    f"The certificate of Kafka at {place} is not trusted: {cause}. See MICROBLOG_KAFKA_CA."
                )
            if infrastructure_settings.is_certificate_refused(cause):
                return SetupError(f"Kafka at {place} refuses MICROBLOG_KAFKA_CERT, or asks for one: {cause}")
            told.append(f"{place} {_words(cause)}")
    failure: Exception = KafkaConnectionError("; ".join(told) or "reached at the second try")
    return failure


def _words(cause: BaseException) -> str:
    if isinstance(cause, EOFError | ConnectionResetError | ssl.SSLError):
        return "ends the connection: is MICROBLOG_KAFKA_TLS what it wants?"
    return f"cannot be reached: {cause}" if str(cause) else "does not answer in time"


@contextmanager
def translated() -> Iterator[None]:
    """Raise StoreUnavailable for an error of Kafka's clients inside the block."""
    try:
        yield
    except (KafkaError, OSError) as exc:
        raise StoreUnavailable("kafka", repr(exc)) from exc
