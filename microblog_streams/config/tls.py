"""TLS contexts of clients, for the drivers of Kafka and Cassandra."""

import ssl
from pathlib import Path

from microblog_streams.domain.errors import SetupError


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
