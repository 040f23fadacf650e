"""Alerts, runbooks and metrics fit together. ``system/alert_rules`` has promtool raise each alert."""

import re
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from microblog_streams.domain import measures
from microblog_streams.metrics.definitions import CHAPTERS, Kind
from microblog_streams.services.worker_process import MIN_FREE_BYTES
from web.routes import API, DESCRIPTION, INTERNALS, OPERATION, PAGES

ROOT = Path(__file__).parents[3]
RULES = sorted((ROOT / "deploy" / "monitoring" / "rules").glob("*.yml"))
RUNBOOKS = ROOT / "docs" / "runbooks"
TESTS = sorted((ROOT / "tests" / "system" / "alert_rules" / "rules").glob("*.yml"))
CHAPTERS_OF_A_RUNBOOK = ["First look", "Likely causes", "What to do", "When to wake the on-call"]


@cache
def loaded(file):
    return YAML(typ="safe").load(file.read_text())


@cache
def rules_of(kind):
    """Return the rules that have a field: ``alert`` or ``record``."""
    return [rule for file in RULES for group in loaded(file)["groups"] for rule in group["rules"] if kind in rule]


@cache
def series_names():
    """Return the name of each series that a worker shows, or a rule records."""
    names = {rule["record"] for rule in rules_of("record")}
    for each in (each for chapter in CHAPTERS.values() for each in chapter):
        ends = ("_bucket", "_count", "_sum") if each.kind is Kind.HISTOGRAM else ("",)
        names |= {f"{each.name}{end}" for end in ends}
    return names


ALERTS = rules_of("alert")


@pytest.mark.parametrize("rule", [*ALERTS, *rules_of("record")], ids=lambda rule: rule.get("alert") or rule["record"])
def test_an_expression_names_series_that_are_there(rule):
    named = set(re.findall(r"\bmicroblog[a-z0-9_:]*(?=[\[{) ]|$)", rule["expr"], re.MULTILINE))
    assert named <= series_names()


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_who_shall_look_and_where_it_is_explained(rule):
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert {"summary", "description"} <= set(rule["annotations"])
    assert rule["annotations"]["runbook"] == f"docs/runbooks/{rule['alert']}.md"


def test_each_alert_has_a_runbook_and_each_runbook_an_alert():
    assert {file.stem for file in RUNBOOKS.glob("*.md")} == {rule["alert"] for rule in ALERTS}


@pytest.mark.parametrize("file", sorted(RUNBOOKS.glob("*.md")), ids=lambda file: file.stem)
def test_a_runbook_has_the_same_chapters_and_names_only_alerts_and_series_that_are_there(file):
    text = file.read_text()
    assert re.findall(r"^# (.+)", text, re.MULTILINE) == [file.stem]
    assert re.findall(r"^## (.+)", text, re.MULTILINE) == CHAPTERS_OF_A_RUNBOOK
    assert set(re.findall(r"\bMicroblog[A-Z]\w+", text)) <= {rule["alert"] for rule in ALERTS}
    assert set(re.findall(r"\bmicroblog:[a-z0-9_:]+", text)) <= series_names()


def test_the_rules_go_by_the_codes_own_numbers():
    """The bound of a delivery in time is one of the histogram's, the full disk is the worker's, calls are the API's."""
    expressions = "\n".join(rule["expr"] for rule in [*ALERTS, *rules_of("record")])
    assert {float(bound) for bound in re.findall(r'le="([\d.]+)"', expressions)} <= {*measures.DELIVERY_SECONDS}
    assert f"microblog_disk_free_bytes < {MIN_FREE_BYTES // 1024**2} * 1024 * 1024" in expressions
    [others] = set(re.findall(r'route!~"([^"]+)"', expressions))
    assert not any(re.fullmatch(others, path.rstrip("/") or "/") for path, _ in API + PAGES)
    assert all(re.fullmatch(others, path.rstrip("/")) for path, _ in OPERATION + INTERNALS + DESCRIPTION)


def test_each_alert_has_a_test_in_which_it_is_raised_and_one_in_which_it_is_not():
    raised, not_raised = set(), set()
    for file in TESTS:
        for each in (each for test in loaded(file)["tests"] for each in test["promql_expr_test"]):
            found = re.findall(r'alertname="(\w+)"(?:.*severity="(\w+)", window="(\w+)")?', each["expr"])
            (raised if each["exp_samples"] else not_raised).update(found)
    labels = [(rule["labels"]["severity"], rule["labels"].get("window")) for rule in ALERTS]
    known = {
        (rule["alert"], severity, window) if window else (rule["alert"], "", "")
        for rule, (severity, window) in zip(ALERTS, labels, strict=True)
    }
    assert known == raised == not_raised
