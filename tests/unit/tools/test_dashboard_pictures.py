"""A dashboard's picture is SVG with every panel's title, its lines, and the last value of a number with its unit."""

from xml.etree import ElementTree

import pytest

from tools.dashboards import DASHBOARDS
from tools.dashboards.grafana import dashboard
from tools.dashboards.pictures import LEGEND_LINES, Line, picture

OVERVIEW = dashboard(DASHBOARDS[0])
SVG = "{http://www.w3.org/2000/svg}"


def panel(title):
    [found] = [each for each in OVERVIEW["panels"] if each["title"] == title and each["type"] != "row"]
    return found["id"]


def drawn(lines_of):
    root = ElementTree.fromstring(picture(OVERVIEW, lines_of))
    return [each.text for each in root.iter(f"{SVG}text")], list(root.iter(f"{SVG}polyline"))


def test_every_panel_has_its_title_also_without_data():
    texts, lines = drawn({})
    assert {each["title"] for each in OVERVIEW["panels"]} <= set(texts)
    assert texts.count("no data") == len([each for each in OVERVIEW["panels"] if each["type"] != "row"])
    assert lines == []


def test_a_graph_has_a_line_for_each_series_and_names_the_largest():
    series = [Line(f"<{number}>", [(0, number), (15, 2 * number)]) for number in range(10)]
    texts, lines = drawn({panel("Calls by status"): series})
    assert len(lines) == 10
    assert [text for text in texts if text.startswith("<")] == [f"<{9 - place}>" for place in range(LEGEND_LINES)]


@pytest.mark.parametrize(
    ("title", "value", "shown"),
    [
        ("Calls", 1234.5, "1,234/s"),
        ("Workers", 2, "2"),
        ("Delivery, p99", 0.0123, "12.3 ms"),
        ("Delivery, p99", 12.3, "12.3 s"),
        ("Late deliveries", 0.0123, "1.23%"),
    ],
)
def test_a_number_is_its_last_value_with_its_unit(title, value, shown):
    texts, _ = drawn({panel(title): [Line("", [(0, 99), (15, value)])]})
    assert shown in texts


def test_a_series_with_one_value_of_zero_is_drawn():
    _, lines = drawn({panel("Calls by status"): [Line("200", [(0, 0)])]})
    assert len(lines) == 1


def test_nothing_is_drawn_where_there_was_no_value():
    _, lines = drawn({panel("Calls by status"): [Line("200", [(0, 1), (15, 1), (60, 1), (75, 1)])]})
    assert len(lines) == 2
