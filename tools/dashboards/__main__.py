"""Writes the dashboards' files; with ``--check`` it says whether one is stale."""

import sys
from pathlib import Path
from typing import Final

from tools.dashboards import DASHBOARDS
from tools.dashboards.grafana import text

FOLDER: Final = Path("deploy/monitoring/dashboards")


def main() -> None:
    """Write the files, or check them."""
    for each in DASHBOARDS:
        file = FOLDER / f"{each.name}.json"
        if "--check" not in sys.argv[1:]:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text(each))
        elif not file.exists() or file.read_text() != text(each):
            sys.exit(f"{file} is stale: run make docs")


if __name__ == "__main__":
    main()
