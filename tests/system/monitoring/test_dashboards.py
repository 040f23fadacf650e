"""Every query of every panel, and every rule, has an answer from a real Prometheus that scrapes loaded workers."""

import json
import math
import time

import pytest
from ruamel.yaml import YAML

from tests.support.servers.prometheus import RULES, scraping

DASHBOARDS = sorted((RULES.parent / "dashboards").glob("*.json"))
#: Grafana's variables, with all workers selected, and a window in which the load still is when the last panel is asked.
VARIABLES = {"$worker": ".*", "$__rate_interval": "10m"}
#: Rounds of the load: more than a minute of scrapes is not needed, a few of each kind of call are.
ROUNDS = 12


@pytest.fixture(scope="module")
def pair(module_workers, eventually):
    """A worker that delivers and one that serves."""
    make = module_workers
    pair = [make().start(ROLES="both", RECONCILE_INTERVAL="0.5"), make().start(ROLES="web")]
    eventually(lambda: all(worker.ready() for worker in pair) and pair[0].well(), *pair)
    return pair


@pytest.fixture(scope="module")
def prometheus(pair, people, eventually, tmp_path_factory):
    """Prometheus, once it has seen the workers under load for some time."""
    targets = [f"127.0.0.1:{worker.port}" for worker in pair]
    with scraping(tmp_path_factory.mktemp("prometheus"), targets) as prometheus:
        eventually(lambda: len(prometheus.query("microblog_ready == 1")) == len(pair), *pair)
        for _ in range(ROUNDS):
            load(pair, people, eventually)
        eventually(lambda: prometheus.query("microblog:delivery_seconds:p99_5m > 0"), *pair)
        yield prometheus


def load(pair, people, eventually):
    """Have two users, a follow, a post and its delivery, and calls that are refused, at each worker."""
    for worker in pair:
        ann, bob = (people.register(worker) for _ in range(2))
        people.follow(worker, bob, ann)
        post = people.post(worker, ann)
        eventually(lambda worker=worker, bob=bob, post=post: people.timeline(worker, bob) == [post], worker)
        worker.call("GET", f"/nothing/{post}")


def panels_of(file):
    return [panel for panel in json.loads(file.read_text())["panels"] if panel["type"] != "row"]


PANELS = [pytest.param(panel, id=f"{file.stem}: {panel['title']}") for file in DASHBOARDS for panel in panels_of(file)]
ALERTS_AND_RECORDS = [
    pytest.param(rule, id=rule.get("alert", rule.get("record")))
    for file in sorted(RULES.glob("*.yml"))
    for group in YAML(typ="safe").load(file.read_text())["groups"]
    for rule in group["rules"]
]


def finite(samples):
    return [sample for sample in samples if math.isfinite(float(sample["value"][1]))]


@pytest.mark.parametrize("panel", PANELS)
def test_each_query_of_a_panel_has_an_answer(prometheus, pair, eventually, panel):
    for target in panel["targets"]:
        expression = target["expr"]
        for name, value in VARIABLES.items():
            expression = expression.replace(name, value)
        if "Empty unless" in panel["description"]:
            prometheus.query(expression)
        else:
            # A scrape that took too long leaves no samples until the next one.
            eventually(lambda expression=expression: finite(prometheus.query(expression)), *pair)


@pytest.mark.parametrize("rule", ALERTS_AND_RECORDS)
def test_each_rule_can_be_evaluated_and_each_recorded_series_is_there(prometheus, pair, eventually, rule):
    prometheus.query(rule["expr"])
    # No indexer runs here. The tests of the rules have series of it.
    if "record" in rule and "search" not in rule["record"]:
        eventually(lambda: finite(prometheus.query(rule["record"])), *pair)


def test_exemplars_of_the_delivery_panel_name_posts(prometheus, pair):
    """Prometheus asks for OpenMetrics by itself, and finds in it which event was how slow."""
    [panel] = [each.values[0] for each in PANELS if each.id == "delivery: From post to last push"]
    [expression] = [target["expr"] for target in panel["targets"] if target.get("exemplar")]
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)

    exemplars = prometheus.exemplars(expression, time.time() - 3600)

    assert exemplars
    for exemplar in exemplars:
        assert exemplar["labels"].keys() == {"event_id"}
        assert pair[0].call("GET", f"/posts/{exemplar['labels']['event_id']}").status == 200
        assert float(exemplar["value"]) > 0


def test_prometheus_itself_evaluates_every_rule(prometheus):
    assert prometheus.failed_rules() == {}


def test_workers_that_are_well_raise_no_alert(prometheus, pair):
    assert prometheus.firing() == set(), [line for line in pair[0].tail(100_000).splitlines() if '"info"' not in line]


def test_variables_find_the_workers(prometheus, pair, eventually):
    def found():
        return {sample["metric"]["worker"] for sample in prometheus.query("microblog_worker_info")}

    eventually(lambda: found() == {worker.name for worker in pair}, *pair)
