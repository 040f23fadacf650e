"""Settings that are refused, with their error; secrets from files."""

import os

import pytest
from pydantic import SecretStr

from microblog_streams.config.settings import Settings, load_settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.local.options import load_local_settings

DEFAULTS = Settings.model_fields


@pytest.fixture(autouse=True)
def variables(monkeypatch, tmp_path):
    """Set variables, after those of the machine were removed."""
    for name in [name for name in os.environ if name.startswith("MICROBLOG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MICROBLOG_DATA_DIR", str(tmp_path))

    def set_them(**values):
        for name, value in values.items():
            monkeypatch.setenv(f"MICROBLOG_{name}", str(value))

    return set_them


@pytest.fixture
def secret(tmp_path):
    file = tmp_path / "secret"
    file.write_text("  s3cret-s3cret-s3cret\n")
    return file


def refusal():
    with pytest.raises(SetupError) as told:
        load_settings()
    assert "\n" not in str(told.value)
    return str(told.value)


def test_default_urls_are_loopback():
    settings = load_settings()
    assert settings.loopback
    assert (settings.replication_factor, settings.min_insync) == (1, 1)


@pytest.mark.parametrize(
    ("copies", "given", "min_insync"), [(1, None, 1), (2, None, 1), (3, None, 2), (5, None, 2), (2, 2, 2), (3, 1, 1)]
)
def test_min_insync_defaults_to_two_of_three_copies(variables, copies, given, min_insync):
    variables(REPLICATION_FACTOR=copies, **({"MIN_INSYNC_REPLICAS": given} if given else {}))
    assert load_settings().min_insync == min_insync


def test_tokens_are_required_unless_this_machine_alone_is_open(variables):
    assert load_settings().auth == "required"
    variables(AUTH="open")
    assert load_settings().auth == "open"
    variables(WEB_HOST="localhost")
    assert load_settings().auth == "open"


def test_a_session_that_ends_between_two_heartbeats_is_refused(variables):
    variables(SESSION_TIMEOUT=7.9)
    assert refusal().startswith("MICROBLOG_SESSION_TIMEOUT must be at least twice MICROBLOG_HEARTBEAT_INTERVAL and 2 s")
    variables(HEARTBEAT_INTERVAL=2.9)
    assert load_settings().session_timeout == 7.9


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"KAFKA_URL": "localhost:9092"}, "MICROBLOG_KAFKA_URL: not a URL"),
        ({"KAFKA_URL": "redis://a"}, "MICROBLOG_KAFKA_URL: expected kafka://host:port"),
        ({"KAFKA_URL": "kafka://web:s3cret@a"}, "MICROBLOG_KAFKA_URL: the login belongs in MICROBLOG_KAFKA_USERNAME"),
        ({"KAFKA_USERNAME": "web"}, "MICROBLOG_KAFKA_USERNAME and MICROBLOG_KAFKA_PASSWORD go together"),
        ({"KAFKA_PASSWORD": "s3cret"}, "MICROBLOG_KAFKA_USERNAME and MICROBLOG_KAFKA_PASSWORD go together"),
        ({"KAFKA_CERT": "c.pem"}, "MICROBLOG_KAFKA_CERT and MICROBLOG_KAFKA_KEY go together"),
        ({"CASSANDRA_KEY": "k.pem"}, "MICROBLOG_CASSANDRA_CERT and MICROBLOG_CASSANDRA_KEY go together"),
        ({"REDIS_KEY": "k.pem"}, "MICROBLOG_REDIS_CERT and MICROBLOG_REDIS_KEY go together"),
        ({"POSTGRES_URL": "postgresql://web:s3cr/et@a/b"}, "MICROBLOG_POSTGRES_URL: not a URL"),
        ({"CASSANDRA_CONSISTENCY": "most"}, "MICROBLOG_CASSANDRA_CONSISTENCY: Input should be 'ONE'"),
        ({"AUTH": "open", "WEB_HOST": "0.0.0.0"}, "MICROBLOG_AUTH=open lets every client act as any user"),
        ({"AUTH": "open", "WEB_HOST": "127.example.org"}, "MICROBLOG_AUTH=open lets every client act as any user"),
        ({"AUTH": "off"}, "MICROBLOG_AUTH: Input should be 'required' or 'open'"),
        ({"TOKEN_DAYS": 0}, "MICROBLOG_TOKEN_DAYS: "),
        ({"MIN_INSYNC_REPLICAS": 2}, "MICROBLOG_MIN_INSYNC_REPLICAS is above MICROBLOG_REPLICATION_FACTOR"),
    ],
)
def test_an_error_is_one_line_with_the_variable(variables, values, line):
    variables(**values)
    told = refusal()
    assert told.startswith(line)
    assert "s3cr" not in told


@pytest.mark.parametrize("name", ["ADMIN_TOKEN", "KAFKA_PASSWORD", "REDIS_SENTINEL_PASSWORD"])
def test_a_secret_can_be_in_a_file(variables, secret, name):
    variables(KAFKA_USERNAME="web", KAFKA_PASSWORD_FILE=secret)
    variables(**{f"{name}_FILE": secret})
    assert getattr(load_settings(), name.lower()).get_secret_value() == "s3cret-s3cret-s3cret"


@pytest.mark.parametrize("name", ["KAFKA_URL", "POSTGRES_URL", "CASSANDRA_URL", "REDIS_URL"])
def test_a_url_can_be_in_a_file(variables, tmp_path, name):
    (tmp_path / "url").write_text(f"{DEFAULTS[name.lower()].default.get_secret_value().replace('127.0.0.1', 'db')}\n")
    variables(**{f"{name}_FILE": tmp_path / "url"})
    assert "db" in getattr(load_settings(), name.lower()).get_secret_value()


def test_a_secret_file_overrides_the_local_stacks_file(variables, tmp_path, secret):
    (tmp_path / "stack.env").write_text("MICROBLOG_ADMIN_TOKEN=of-the-local-stack\n")
    variables(ADMIN_TOKEN_FILE=secret)
    assert load_settings().admin_token == SecretStr("s3cret-s3cret-s3cret")


def test_a_secret_in_a_variable_and_a_file_is_refused(variables, secret):
    variables(ADMIN_TOKEN="s3cret-of-the-environment", ADMIN_TOKEN_FILE=secret)
    told = refusal()
    assert told == "MICROBLOG_ADMIN_TOKEN and MICROBLOG_ADMIN_TOKEN_FILE are both set: keep one of them"


def test_other_settings_cannot_be_in_a_file(variables, secret):
    variables(WEB_HOST_FILE=secret)
    assert load_settings().web_host == "127.0.0.1"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "No such file or directory"),
        (b" \n", "is empty"),
        (b"\xff", "is not UTF-8"),
        (b"x" * 70_000, "too large"),
    ],
)
def test_an_unusable_secret_file_is_one_line(variables, tmp_path, content, line):
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    variables(ADMIN_TOKEN_FILE=path)
    told = refusal()
    assert told.startswith(f"MICROBLOG_ADMIN_TOKEN_FILE: {path} ")
    assert line in told


def test_a_secret_from_a_file_is_validated(variables, tmp_path):
    (tmp_path / "short").write_text("s3cret")
    variables(ADMIN_TOKEN_FILE=tmp_path / "short")
    told = refusal()
    assert told.startswith("MICROBLOG_ADMIN_TOKEN: Value should have at least 16")
    assert "s3cret" not in told


def test_the_repr_shows_no_secret(variables, secret):
    urls = {
        f"{part}_URL": f"{scheme}://web:s3cret@a/b" for part, scheme in (("POSTGRES", "postgresql"), ("REDIS", "redis"))
    }
    variables(KAFKA_USERNAME="web", KAFKA_PASSWORD_FILE=secret, ADMIN_TOKEN_FILE=secret, **urls)
    settings = load_settings()
    assert "s3cret" not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({"WEB_PORT": 6070}, "http://127.0.0.1:6070"),
        ({"WEB_HOST": "::1"}, "http://[::1]:6066"),
        ({"WEB_HOST": "0.0.0.0", "WEB_URL": "https://worker-1:8443"}, "https://worker-1:8443"),
    ],
)
def test_the_own_url_defaults_to_the_bound_address(variables, values, url):
    variables(**values)
    assert load_settings().own_url == url


@pytest.mark.parametrize("url", ["worker-1:6066", "http://worker-1/path", "http://u:p@worker-1", "javascript:a", ""])
def test_a_url_is_a_scheme_a_host_and_a_port(variables, url):
    variables(WEB_URL=url)
    assert refusal().startswith("MICROBLOG_WEB_URL: ")


def test_a_kubernetes_service_variable_is_explained(variables):
    variables(WEB_PORT="tcp://10.96.0.7:6066")
    line = refusal()
    assert line.startswith("MICROBLOG_WEB_PORT is what Kubernetes sets for a Service")
    assert "enableServiceLinks: false" in line


@pytest.mark.parametrize("name", ["REDIS_URL", "SESSION_TIMEOUT", "POOL_SIZE"])
def test_other_invalid_ports_are_plain_errors(variables, name):
    """The address of a Service is in a variable that ends in ``_PORT``."""
    variables(**{name: "tcp://10.0.0.1:6379"})
    assert refusal().startswith(f"MICROBLOG_{name}: ")


def test_the_error_names_the_service(variables):
    variables(WEB_PORT="tcp://10.96.0.7:6066")
    assert "a Service named microblog-web" in refusal()


def test_the_local_stack_explains_it_too(variables):
    variables(KAFKA_PORT="tcp://10.96.0.7:9092")
    with pytest.raises(
        SetupError, match="MICROBLOG_KAFKA_PORT is what Kubernetes sets for a Service named microblog-kafka"
    ):
        load_local_settings()
