"""Variables of libraries are removed, or refused if they were read already; ours stay."""

from pathlib import Path

import pytest

from microblog_streams.config import environment
from microblog_streams.domain.errors import SetupError
from microblog_streams.stores.postgres.session import target

FOREIGN = (
    *("PGTZ", "PGPASSWORD", "PGSERVICEFILE", "PGOPTIONS", "PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"),
    *("SSLKEYLOGFILE", "DJANGO_SETTINGS_MODULE", "UV_THREADPOOL_SIZE", "LIBEV_FLAGS"),
)
OURS = {"MICROBLOG_POSTGRES_URL": "postgresql://h/d", "HOME": "/home/ann", "SSL_CERT_FILE": "/ca.pem", "TZ": "UTC"}
NO_ARGUMENTS = ("faust", "-A", "microblog_streams", "worker")


@pytest.mark.parametrize("name", FOREIGN)
def test_a_variable_of_another_library_is_removed_and_the_others_stay(name):
    variables = {name: "1", **OURS}
    environment.remove_foreign_variables(variables, NO_ARGUMENTS)
    assert variables == OURS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((f"{prefix}{name}", "1") for prefix in ("F_", "FAUST_") for name in ("DEBUG", "WORKDIR", "STRICT")),
        ("FAUST_LOOP", "gevent"),
        ("AIOHTTP_NO_EXTENSIONS", "1"),
        ("AIOKAFKA_NO_EXTENSIONS", "1"),
        ("NO_CYTHON", "1"),
    ],
)
def test_a_variable_that_was_read_already_is_refused_by_its_name(name, value):
    with pytest.raises(SetupError, match=f"^{name} is set.*unset it"):
        environment.remove_foreign_variables({name: value}, NO_ARGUMENTS)


@pytest.mark.parametrize(
    "variables", [{"F_LOOP": "uvloop"}, {"FAUST_DEBUG": ""}, {"F_DATADIR": "x"}, {"NO_CYTHON": ""}, OURS]
)
def test_harmless_variables_are_not_refused(variables):
    environment.remove_foreign_variables(dict(variables), NO_ARGUMENTS)


def test_the_option_workdir_is_not_mistaken_for_the_variable():
    environment.remove_foreign_variables({"F_WORKDIR": "/srv"}, (*NO_ARGUMENTS, "--workdir=/srv"))


def test_libpq_takes_nothing_from_the_home_folder():
    where = target("postgresql://ann@h/d", "test", {})
    for name in ("passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl"):
        assert not Path(where[name]).exists()
    assert where["gssencmode"] == "disable"


def test_libpqs_options_in_the_url_count():
    where = target("postgresql://h/d?sslrootcert=/ca.pem&passfile=/run/secrets/pgpass&gssencmode=prefer", "test", {})
    assert (where["sslrootcert"], where["passfile"], where["gssencmode"]) == (
        "/ca.pem",
        "/run/secrets/pgpass",
        "prefer",
    )


def test_a_service_of_libpqs_service_file_is_refused():
    with pytest.raises(SetupError, match="MICROBLOG_POSTGRES_URL: service= is not supported"):
        target("postgresql://h/d?service=main", "test", {})
