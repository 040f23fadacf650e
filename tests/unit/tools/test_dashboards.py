"""The dashboards show every metric that there is and no other, and their files are up to date."""

import json
import re
from itertools import combinations
from pathlib import Path

import pytest

from microblog_streams.metrics.definitions import CHAPTERS, Kind
from tools.dashboards import DASHBOARDS
from tools.dashboards.grafana import dashboard, text

FOLDER = Path(__file__).parents[3] / "deploy" / "monitoring"
DEFINED = [each for chapter in CHAPTERS.values() for each in chapter]
EACH = pytest.mark.parametrize("made", [pytest.param(dashboard(each), id=each.name) for each in DASHBOARDS])


def expressions(made):
    return [target["expr"] for panel in made["panels"] if panel["type"] != "row" for target in panel["targets"]]


def shown():
    """Return the names in all queries, without the ends of a histogram's series."""
    found = set(
        re.findall(
            r"\bmicroblog_[a-z_]+", "\n".join(text for made in DASHBOARDS for text in expressions(dashboard(made)))
        )
    )
    histograms = {each.name for each in DEFINED if each.kind is Kind.HISTOGRAM}
    return {
        re.sub("_(bucket|count|sum)$", "", name) if name[: name.rfind("_")] in histograms else name for name in found
    }


def test_every_metric_has_its_panel_and_every_query_its_metric():
    assert shown() == {each.name for each in DEFINED}


def test_recorded_series_that_are_shown_are_recorded():
    rules = "\n".join(file.read_text() for file in (FOLDER / "rules").glob("*.yml"))
    recorded = set(re.findall(r"record: (\S+)", rules))
    named = re.findall(r"\bmicroblog:[a-z0-9_:]+", json.dumps([dashboard(each) for each in DASHBOARDS]))
    assert named
    assert set(named) <= recorded


@EACH
def test_panels_lie_in_the_grid_and_none_on_another(made):
    grids = [panel["gridPos"] for panel in made["panels"]]
    assert all(grid["x"] + grid["w"] <= 24 for grid in grids)
    for one, other in combinations(grids, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or apart


@EACH
def test_each_panel_says_what_it_shows_and_each_line_what_it_is(made):
    panels = [panel for panel in made["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in made["panels"]}) == len(made["panels"])
    assert all(panel["description"].endswith(".") for panel in panels)
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in panels)
    graphs = [panel for panel in panels if panel["type"] == "timeseries"]
    assert all(target["legendFormat"] for panel in graphs for target in panel["targets"])
    assert [variable["name"] for variable in made["templating"]["list"]] == ["datasource", "worker"]


@pytest.mark.parametrize("each", DASHBOARDS, ids=lambda each: each.name)
def test_the_file_is_what_the_code_makes(each):
    assert (FOLDER / "dashboards" / f"{each.name}.json").read_text() == text(each)
