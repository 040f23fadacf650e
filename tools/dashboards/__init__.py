"""Writes the Grafana dashboards of deploy/monitoring/dashboards/, as a part of ``make docs``."""

from typing import Final

from tools.dashboards import delivery, http_calls, overview, stores, workers

DASHBOARDS: Final = (overview.DASHBOARD, delivery.DASHBOARD, stores.DASHBOARD, http_calls.DASHBOARD, workers.DASHBOARD)
