"""TLS as a client: one way from files to a context, for Kafka and Cassandra, whose drivers want contexts."""

import ssl
from pathlib import Path

from microblog_streams.domain.errors import SetupError


def client_context(variables: str, ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
    """Return a context that trusts ``ca`` (PEM; the system's where None) and shows ``cert``, where there is one.

    ``variables`` is how the settings' names begin (``MICROBLOG_KAFKA``). Raises SetupError for files that do not serve.
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


def distrusts(error: BaseException) -> bool:
    """Tell whether an error, by its text, is that the other side's certificate was refused. Waiting does not help."""
    return "certificate verify failed" in str(error).lower().replace("_", " ")


def wants_certificate(error: BaseException) -> bool:
    """Tell whether an error, by its text, is that the other side refused our certificate, or the lack of one."""
    text = str(error).lower().replace("_", " ")
    return ("alert" in text and "certificate" in text) or "alert unknown ca" in text
