"""Certificates for one test run: an authority, a server's, a client's, and an authority that no client trusts."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files below one folder, all PEM."""

    ca: Path
    #: Of an authority that signed none of the others.
    other_ca: Path
    #: Of 127.0.0.1 and localhost: the key (PKCS 8), then the chain.
    server: Path
    client_cert: Path
    client_key: Path

    def server_context(self) -> ssl.SSLContext:
        """Return what a server in this process needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server)
        return context


def make(folder: Path) -> Certificates:
    """Write them into ``folder``."""
    names = ("ca.pem", "other.pem", "server.pem", "client.pem", "client.key")
    made = Certificates(*(folder / name for name in names))
    authority = trustme.CA()
    server, client = authority.issue_cert("127.0.0.1", "localhost"), authority.issue_cert("worker.localhost")
    authority.cert_pem.write_to_path(made.ca)
    trustme.CA().cert_pem.write_to_path(made.other_ca)
    made.server.write_bytes(_pkcs8(server.private_key_pem.bytes()) + _chain(server))
    made.client_cert.write_bytes(_chain(client))
    made.client_key.write_bytes(_pkcs8(client.private_key_pem.bytes()))
    return made


def _chain(leaf: trustme.LeafCert) -> bytes:
    return b"".join(part.bytes() for part in leaf.cert_chain_pems)


def _pkcs8(key: bytes) -> bytes:
    loaded = serialization.load_pem_private_key(key, None)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return loaded.private_bytes(*form)
