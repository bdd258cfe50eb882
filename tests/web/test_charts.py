"""Charts are text: their shape, their words, and what a strict policy and a screen reader need."""

from __future__ import annotations

import re
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest

from startdeliver.web import charts
from startdeliver.web.charts import Bar, Point, Run, Series

DAY = date(2026, 11, 1)


def points(*values: float | None, reconstructed: int = 0) -> list[Point]:
    return [Point(DAY + timedelta(days=index), value, index < reconstructed) for index, value in enumerate(values)]


ALL = [
    charts.trend_line(
        [Series("Open", points(1, None, 3, 4), area=True)], title="T", statuses=["good", None, "fair", "poor"]
    ),
    charts.trend_line([], title="Empty"),
    charts.trend_line([Series("Open", points(None, None))], title="Gaps only"),
    charts.trend_line([Series("One", points(5))], title="One day"),
    charts.bars([Bar("a", 3, 1), Bar("b", 0, 0)], title="B", names=("new", "resolved")),
    charts.bars([Bar("a", 0)], title="Zero"),
    charts.bars([], title="None"),
    charts.run_strip([Run("success", 900, "ok"), Run("failed", 0, "failed"), Run("new-kind", 5, "?")], title="R"),
    charts.run_strip([], title="No run"),
    charts.sparkline([1, None, 3], title="S"),
    charts.sparkline([], title="S"),
    charts.sparkline([0], title="S"),
]


@pytest.mark.parametrize("svg", ALL)
def test_every_chart_is_well_formed_named_and_without_styles(svg: str) -> None:
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") or root.find("title") is not None
    assert "style=" not in svg
    assert "NaN" not in svg
    assert "None" not in re.sub(r"<(title|desc)[^>]*>.*?</\1>", "", svg)


def test_a_missing_day_is_a_gap_not_a_zero() -> None:
    svg = charts.trend_line([Series("Open", points(2, 2, None, 2, 2))], title="T")
    lines = re.findall(r'<polyline class="chart-line" points="([^"]+)"', svg)
    assert [line.count(",") for line in lines] == [2, 2]


def test_the_baseline_is_zero_and_the_last_value_is_labelled() -> None:
    svg = charts.trend_line([Series("Open", points(90, 100))], title="T")
    assert re.findall(r'<text x="0" y="[\d.]+">([^<]+)</text>', svg)[:3] == ["0", "50", "100"]
    assert re.search(r'class="chart-value"[^>]*>100</text>', svg)
    assert "Open: 100 on 2 Nov, from 90 on 1 Nov; lowest 90, highest 100." in svg


def test_the_worked_out_part_is_dashed_and_said() -> None:
    svg = charts.trend_line([Series("Open", points(1, 2, 3, 4, reconstructed=2))], title="T")
    lines = re.findall(r'<polyline class="([^"]+)" points="([^"]+)"', svg)
    assert [name for name, _ in lines] == ["chart-line chart-dash", "chart-line"]
    assert lines[0][1].split()[-1] == lines[1][1].split()[0]
    assert "worked out from the tickets" in svg


def test_two_labels_never_cover_each_other() -> None:
    svg = charts.trend_line([Series("Open", points(1, 5)), Series("Overdue", points(0, 5), "poor")], title="T")
    heights = [float(y) for y in re.findall(r'class="chart-value[^"]*" x="[\d.]+%" y="([\d.]+)"', svg)]
    assert abs(heights[0] - heights[1]) >= 13


def test_the_health_band_tells_statuses_apart_by_height() -> None:
    svg = charts.trend_line([Series("Open", points(1, 1, 1, 1))], title="T", statuses=["good", "fair", "poor", None])
    heights = dict(re.findall(r'<rect class="chart-(\w+)"[^>]* height="(\d+)"', svg))
    assert len(set(heights.values())) == 4


def test_bars_of_two_kinds_stand_side_by_side_with_their_words() -> None:
    svg = charts.bars([Bar("2 Nov", 4, 2), Bar("9 Nov", 1, 3)], title="Tickets", names=("new", "resolved"))
    assert "<title>2 Nov: 4 new, 2 resolved</title>" in svg
    assert "5 new, 5 resolved in all; highest 4." in svg
    assert len(re.findall(r'class="chart-bar"', svg)) == len(re.findall(r'class="chart-bar-2"', svg)) == 2


def test_a_failed_run_differs_in_shape() -> None:
    svg = charts.run_strip([Run("success", 100, "fine"), Run("failed", 1, "broken")], title="Runs")
    assert svg.count("×") == 1
    assert "The last 2 runs, 1 failed. Newest: broken" in svg


def test_words_in_charts_are_escaped() -> None:
    svg = charts.bars([Bar("<b>", 1)], title="<i>", names=("<u>", ""))
    assert "<b>" not in svg
    assert "<i>" not in svg
    assert "<u>" not in svg


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 2), (1, 2), (2, 2), (3, 4), (7, 8), (9, 10), (21, 25), (90, 100), (4200, 5000)]
)
def test_the_scale_ends_at_a_round_whole_number_above_everything(highest: float, top: float) -> None:
    scale = charts._scale(highest, 100)
    assert scale.top >= max(highest, 1)
    assert scale.top <= top * 1.25
    assert all(float(tick).is_integer() for tick in scale.ticks)
