"""TLS contexts from files."""

import ssl

import pytest

from microblog_streams.config.infrastructure_settings import client_context
from microblog_streams.domain.errors import SetupError
from tests.support.servers import certificates


@pytest.fixture(scope="module")
def certs(tmp_path_factory):
    return certificates.make(tmp_path_factory.mktemp("certificates"))


def test_names_and_signatures_are_checked(certs):
    context = client_context("MICROBLOG_KAFKA", certs.ca, certs.client_cert, certs.client_key)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert len(context.get_ca_certs()) == 1


def test_without_a_ca_the_systems_cas_are_trusted():
    assert client_context("MICROBLOG_KAFKA", None, None, None).verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("content", "words"), [(None, "No such file or directory"), ("no PEM", "no certificate or crl found")]
)
def test_an_unusable_ca_is_one_line(tmp_path, content, words):
    ca = tmp_path / "ca.pem"
    if content:
        ca.write_text(content)
    with pytest.raises(SetupError) as told:
        client_context("MICROBLOG_KAFKA", ca, None, None)
    assert str(told.value) == f"MICROBLOG_KAFKA_CA: {ca} cannot be used: {words}"


def test_a_key_of_another_certificate_is_one_line(certs):
    with pytest.raises(SetupError, match=r"MICROBLOG_KAFKA_CERT, _KEY: .* cannot be used: key values mismatch"):
        client_context("MICROBLOG_KAFKA", certs.ca, certs.client_cert, certs.server)
