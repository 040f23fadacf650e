"""docker-compose.infra.yml is a valid compose file, and runs what the local stack runs, set as it sets it."""

import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from microblog_streams.local import cassandra, jars, kafka, opensearch, postgres, valkey
from microblog_streams.local.files import render

FILE = Path(__file__).parents[3] / "docker-compose.infra.yml"
SCHEMA = files("check_jsonschema.builtin_schemas") / "vendor" / "compose-spec.json"
PARTS = ["kafka", "cassandra", "postgres", "valkey", "opensearch"]
#: Of cassandra.yaml: it belongs to `periodic`, and the node refuses it beside `batch`.
PERIOD_OFF = {"commitlog_sync_period": "0ms"}
UNITS = {"g": 2**30, "gb": 2**30, "m": 2**20, "mb": 2**20}


@pytest.fixture(scope="module")
def compose():
    return YAML(typ="safe").load(FILE.read_text())


@pytest.fixture
def service(compose):
    return compose["services"].__getitem__


def reported(program):
    """Return the version that a program of the local stack reports."""
    answer = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    return re.search(r"\d+(\.\d+)+", answer).group()


def size(text):
    number, unit = re.fullmatch(r"(\d+)(\w+)", text).groups()
    return int(number) * UNITS[unit]


def settings_of(config):
    """Return what a file of the form ``name value`` says."""
    lines = [line for line in config.splitlines() if line and not line.startswith("#")]
    return dict(line.split(maxsplit=1) for line in lines)


def test_it_is_a_compose_file(compose):
    errors = Draft7Validator(json.loads(SCHEMA.read_text())).iter_errors(compose)
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_the_schema_sees_a_word_that_compose_does_not_know(compose):
    wrong = {**compose, "services": {"kafka": {"image": "kafka", "memlimit": "1g"}}}
    assert not Draft7Validator(json.loads(SCHEMA.read_text())).is_valid(wrong)


def test_it_has_the_parts_of_the_local_stack(compose):
    assert sorted(compose["services"]) == sorted(PARTS)


@pytest.mark.parametrize(
    ("part", "image", "version"),
    [
        ("kafka", "apache/kafka", lambda: jars.version("kafka")),
        ("cassandra", "cassandra", lambda: jars.version("cassandra")),
        ("postgres", "postgres", lambda: reported(postgres.binary("postgres"))),
        ("valkey", "valkey/valkey", lambda: reported(valkey.server())),
        ("opensearch", "opensearchproject/opensearch", lambda: jars.version("opensearch")),
    ],
)
def test_each_part_has_the_local_stacks_version(service, part, image, version):
    assert service(part)["image"] == f"{image}:{version()}"


def test_kafka_is_set_as_the_local_one(service):
    environment = service("kafka")["environment"]
    properties = {name.removeprefix("KAFKA_").lower().replace("_", "."): value for name, value in environment.items()}
    assert {name: str(properties.get(name)) for name in kafka.SETTINGS} == kafka.SETTINGS


def test_cassandra_is_set_as_the_local_one(service):
    allowed, *options = service("cassandra")["environment"]["JVM_EXTRA_OPTS"].split()
    assert allowed == "-Dcassandra.config.allow_system_properties=true"
    settings = dict(option.removeprefix("-Dcassandra.settings.").split("=") for option in options)
    assert settings == cassandra.SETTINGS | PERIOD_OFF


def test_postgres_is_made_and_set_as_the_local_one(service):
    assert service("postgres")["environment"]["POSTGRES_INITDB_ARGS"].split() == list(postgres.INITDB)
    _, *options = service("postgres")["command"]
    assert dict(option.removeprefix("--").split("=") for option in options) == postgres.SETTINGS


def test_valkey_is_set_as_the_local_one(compose):
    settings = settings_of(compose["configs"]["valkey.conf"]["content"])
    assert {name: settings.get(name) for name in valkey.SETTINGS} == valkey.SETTINGS


def test_opensearch_is_set_as_the_local_one(service):
    """But for the local node's name, port and folders, its system calls, and its disk, which may be full there."""
    local = YAML(typ="safe").load(render("opensearch.yml", port=1, transport_port=2, data="data", logs="logs"))
    shared = {name: local[name] for name in ("cluster.name", "discovery.type", "action.auto_create_index")}
    environment = service("opensearch")["environment"]
    assert {name: YAML(typ="safe").load(environment[name]) for name in shared} == shared
    assert f"-Xmx{opensearch.HEAP_MB}m" in environment["OPENSEARCH_JAVA_OPTS"]
    assert not any(name.startswith("cluster.routing.allocation.disk") for name in environment)


def test_valkey_evicts_before_its_container_is_full(compose, service):
    """Also while the append-only file is rewritten, which copies what changes meanwhile: once more its data at most."""
    settings = settings_of(compose["configs"]["valkey.conf"]["content"])
    assert 2 * size(settings["maxmemory"]) <= size(service("valkey")["mem_limit"])


@pytest.mark.parametrize("part", PARTS)
class TestEachPart:
    def test_it_says_how_it_is_and_comes_back(self, service, part):
        assert service(part)["healthcheck"]["test"]
        assert service(part)["restart"] == "unless-stopped"

    def test_its_memory_is_limited(self, service, part):
        assert 2**28 <= size(service(part)["mem_limit"]) <= 2**32

    def test_its_data_are_in_a_volume_of_its_own(self, compose, service, part):
        (mount,) = service(part)["volumes"]
        assert mount.split(":")[0] == part
        assert part in compose["volumes"]

    def test_it_is_reachable_from_this_machine_only(self, service, part):
        (port,) = service(part)["ports"]
        assert re.fullmatch(r"127\.0\.0\.1:\$\{MICROBLOG_[A-Z]+_PORT:-(\d+)\}:\1", port)


def test_there_is_no_password_but_the_one_that_is_given(compose):
    text = FILE.read_text()
    assert re.findall(r"\$\{\w*PASSWORD(..)", text) == [":?"]
    secrets = {name: secret["environment"] for name, secret in compose["secrets"].items()}
    assert secrets == {
        "postgres_password": "MICROBLOG_POSTGRES_PASSWORD",
        "redis_password": "MICROBLOG_REDIS_PASSWORD",
    }
    named = {name for each in compose["services"].values() for name in each.get("environment", {}) if "PASSW" in name}
    assert named == {"POSTGRES_PASSWORD_FILE"}
