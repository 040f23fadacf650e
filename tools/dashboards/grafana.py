"""The form that all dashboards have: refresh, colours, legends, variables, and panels in lines.

``$datasource`` is the Prometheus server, ``$worker`` the workers by their addresses.

The JSON is Grafana's dashboard model, schemaVersion 39 (Grafana 10.4 and newer), as its export writes it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tools.dashboards.panels import Dashboard, Panel, Row, Shape

SCHEMA_VERSION: Final = 39
#: Grafana's grid is 24 columns wide; heights are in units of 30 pixels.
GRID_COLUMNS: Final = 24
HEIGHTS: Final[Mapping[Shape, int]] = {Shape.GRAPH: 8, Shape.NUMBER: 4, Shape.TABLE: 8}
DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
Json = dict[str, object]


def _datasource_variable() -> Json:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "hide": 0}


def _worker_variable() -> Json:
    query = "label_values(microblog_worker_info, instance)"
    return {
        "name": "worker",
        "label": "Worker",
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": "workers"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _targets(panel: Panel) -> list[Json]:
    instant = panel.shape is not Shape.GRAPH
    return [
        {
            "refId": chr(ord("A") + number),
            "datasource": DATASOURCE,
            "expr": query.expression,
            "legendFormat": query.legend,
            "instant": instant,
            "range": not instant,
            "format": "table" if panel.shape is Shape.TABLE else "time_series",
            **({"exemplar": True} if query.exemplars else {}),
        }
        for number, query in enumerate(panel.queries)
    ]


def _thresholds(panel: Panel) -> Json:
    steps: list[Json] = [{"color": "green", "value": None}]
    if panel.alarming is not None:
        steps.append({"color": "red", "value": panel.alarming})
    return {"mode": "absolute", "steps": steps}


def _defaults(panel: Panel) -> Json:
    graph: Json = {"lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": False}
    stacking: Json = {"mode": "normal" if panel.stacked else "none"}
    line: Json = {"mode": "line" if panel.alarming is not None else "off"}
    custom: Json = {"custom": {**graph, "stacking": stacking, "thresholdsStyle": line}}
    return {"unit": panel.unit, "min": 0, "thresholds": _thresholds(panel)} | (
        custom if panel.shape is Shape.GRAPH else {}
    )


def _options(panel: Panel) -> Json:
    if panel.shape is Shape.GRAPH:
        return {
            "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    if panel.shape is Shape.NUMBER:
        return {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background", "graphMode": "area"}
    return {"showHeader": True}


def _panel(panel: Panel, number: int, x: int, y: int) -> Json:
    empty = f" Empty unless {panel.empty_unless}." if panel.empty_unless else ""
    return {
        "id": number,
        "type": panel.shape.value,
        "title": panel.title,
        "description": panel.meaning + empty,
        "datasource": DATASOURCE,
        "gridPos": {"x": x, "y": y, "w": panel.columns, "h": HEIGHTS[panel.shape]},
        "targets": _targets(panel),
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
    }


def _row(title: str, number: int, y: int) -> Json:
    grid: Json = {"x": 0, "y": y, "w": GRID_COLUMNS, "h": 1}
    return {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": grid, "panels": []}


def _lines(panels: Sequence[Panel]) -> Iterator[list[Panel]]:
    """Yield the panels in lines of at most GRID_COLUMNS."""
    line: list[Panel] = []
    for panel in panels:
        if sum(each.columns for each in line) + panel.columns > GRID_COLUMNS:
            yield line
            line = []
        line.append(panel)
    yield line


def _grid(rows: Sequence[Row]) -> Iterator[Json]:
    number, y = 1, 0
    for row in rows:
        yield _row(row.title, number, y)
        number, y = number + 1, y + 1
        for line in _lines(row.panels):
            x = 0
            for panel in line:
                yield _panel(panel, number, x, y)
                number, x = number + 1, x + panel.columns
            y += max(HEIGHTS[panel.shape] for panel in line)


def dashboard(of: Dashboard) -> Json:
    """Return the JSON of a dashboard."""
    link: Json = {
        "type": "dashboards",
        "title": "Microblog",
        "tags": ["microblog"],
        "asDropdown": True,
        "keepTime": True,
        "includeVars": True,
    }
    return {
        "uid": f"microblog-{of.name}",
        "title": f"Microblog: {of.title}",
        "description": of.meaning,
        "tags": ["microblog"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "",
        "links": [link],
        "templating": {"list": [_datasource_variable(), _worker_variable()]},
        "annotations": {"list": []},
        "panels": list(_grid(of.rows)),
    }


def text(of: Dashboard) -> str:
    """Return the text of a dashboard's file."""
    return json.dumps(dashboard(of), indent=2) + "\n"
