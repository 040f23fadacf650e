"""What is deployed is put together as it is installed, and each way in which checkov's reports are not good is told."""

import shutil
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tools.deployment_check import CHECKED, CONFIGURATION, collect, problems

HELM = shutil.which("helm", path=str(Path(sys.executable).parent)) or shutil.which("helm")
GOOD = [{"check_type": name, "summary": {"passed": 3}, "results": {"failed_checks": []}} for name in CHECKED]


@pytest.mark.skipif(HELM is None, reason="helm is not installed here")
def test_each_set_of_values_is_rendered_beside_the_manifests_and_the_image(tmp_path):
    collect(tmp_path, HELM)
    charts = {path.name for path in tmp_path.glob("chart-*.yaml")}
    assert charts == {"chart-defaults.yaml", "chart-public.yaml", "chart-small.yaml", "chart-tls.yaml"}
    for path in tmp_path.glob("chart-*.yaml"):
        assert "kind: StatefulSet" in path.read_text()
    assert (tmp_path / "Dockerfile").exists()
    assert list((tmp_path / "kubernetes").rglob("*.yaml"))


def test_good_reports_have_no_problem():
    assert list(problems(GOOD)) == []


def test_each_failed_check_and_each_unread_file_is_a_line():
    failed = {"check_id": "CKV_1", "check_name": "No root", "resource": "Job.m", "file_path": "/chart-tls.yaml"}
    report = {"check_type": "kubernetes", "results": {"failed_checks": [failed], "parsing_errors": ["/x.yaml"]}}
    assert list(problems([report, GOOD[1]])) == ["CKV_1 No root: Job.m (chart-tls.yaml)", "cannot be read: /x.yaml"]


def test_a_framework_that_checked_nothing_is_a_problem():
    """checkov's report is then a summary alone."""
    assert list(problems([{"passed": 0, "failed": 0}, GOOD[0]])) == ["checkov found nothing to check for dockerfile"]


def test_each_check_that_is_left_out_has_its_reason_above_it():
    lines = CONFIGURATION.read_text().splitlines()
    left_out = YAML(typ="safe").load(CONFIGURATION.read_text())["skip-check"]
    for check in left_out:
        assert lines[lines.index(f"  - {check}") - 1].startswith("  # ")
