"""Charts as SVG text: pure functions from values to markup that a strict Content-Security-Policy allows.

Positions are percentages, so a chart fills its box at any width while text keeps its size. Lines are in a nested SVG
that stretches. Colours come from classes (components.css). Each chart has a title and a description for screen readers;
`templatetags.ui.svg_table` adds the table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import count

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from startdeliver.common.health import Health, css_class, health_label, known
from startdeliver.web import formats

_ids = count(1)
_PLOT_TOP, _AXIS, _GUTTER = 16, 18, 7
_BAND_HEIGHT = {Health.GOOD: 4, Health.FAIR: 8, Health.POOR: 12, None: 2}
_OUTCOME_CLASS = {"success": "chart-good", "failed": "chart-hollow", "running": "chart-none", "queued": "chart-none"}


@dataclass(frozen=True)
class Point:
    """One day's value; None is a missing day (a gap). `reconstructed` values were computed later."""

    day: date
    value: float | None
    reconstructed: bool = False


@dataclass(frozen=True)
class Series:
    """A line: `tone` is "" or "poor"."""

    name: str
    points: Sequence[Point]
    tone: str = ""
    area: bool = False


@dataclass(frozen=True)
class Bar:
    """A bar, with an optional second value beside it."""

    label: str
    value: float
    second: float | None = None


@dataclass(frozen=True)
class Run:
    """One sync run for `run_strip`: `size` is the height of the bar, `text` its sentence."""

    outcome: str
    size: float
    text: str


@dataclass
class _Scale:
    top: float
    height: float
    ticks: list[float] = field(default_factory=list)

    def y(self, value: float) -> float:
        return round(self.height * (1 - value / self.top), 2)


def trend_line(
    series: Sequence[Series], *, title: str, unit: str = "", height: int = 132, statuses: Sequence[str | None] = ()
) -> SafeString:
    """Draws lines over days, from zero, with gaps for missing days and a label at the last value.

    `statuses` (one per day of the first series) draws a band under the lines; its height shows Good, Fair or Poor.
    """
    days = [point.day for point in series[0].points] if series else []
    values = [point.value for line in series for point in line.points if point.value is not None]
    if not days or not values:
        return _nothing(title, height)
    band = 14 if statuses else 0
    plot = height - _PLOT_TOP - _AXIS - band
    scale = _scale(max(values), plot)
    parts: list[SafeString] = [_grid(scale)]
    lines: list[SafeString] = []
    labels: list[SafeString] = []
    taken: list[float] = []
    for line in series:
        lines.append(_line(line, scale))
        last = next((index for index in range(len(days) - 1, -1, -1) if line.points[index].value is not None), None)
        if last is None:
            continue
        value = line.points[last].value or 0.0
        x, y = _x(last, len(days)), _PLOT_TOP + scale.y(value)
        tone = f" series-{line.tone}" if line.tone else ""
        labels.append(_tag("circle", class_=f"chart-dot{tone}", cx=f"{x}%", cy=y, r="3.5"))
        # Above the point, or below it if another label is there.
        text_y = y - 8
        if any(abs(text_y - other) < 13 for other in taken):
            text_y = max([y, *taken]) + 16
        taken.append(text_y)
        anchor, text_y = "end" if x > 50 else "start", max(10, round(text_y, 2))
        labels.append(_text(f"{x}%", text_y, _short(value), anchor, class_=f"chart-value{tone}"))
    box = {"viewBox": f"0 0 1000 {plot}", "preserveAspectRatio": "none", "overflow": "visible"}
    parts.append(_tag("svg", _join(lines), x=0, y=_PLOT_TOP, width="100%", height=plot, **box))
    if statuses:
        parts.append(_band(statuses, _PLOT_TOP + plot + band))
    parts.append(_days(days, height))
    parts += labels
    return _svg(title, _describe(series, unit), height, [_axis(scale), _beside_axis(parts)])


def bars(
    items: Sequence[Bar], *, title: str, names: tuple[str, str] = ("", ""), unit: str = "", height: int = 132
) -> SafeString:
    """Draws bars from zero; second values are bars beside them. `names` are the names of the two values."""
    if not items:
        return _nothing(title, height)
    highest = max(max(item.value, item.second or 0) for item in items)
    if not highest:
        return _nothing(title, height)
    plot = height - _PLOT_TOP - _AXIS
    scale = _scale(highest, plot)
    slot = 100 / len(items)
    two = any(item.second is not None for item in items)
    width = min(slot * (0.32 if two else 0.62), 6)
    marks: list[SafeString] = []
    for index, item in enumerate(items):
        middle = slot * (index + 0.5)
        tip = f"{item.label}: {_short(item.value)} {names[0]}".strip()
        if item.second is not None:
            tip += f", {_short(item.second)} {names[1]}"
        first = middle - width - 0.15 if two else middle - width / 2
        inner = [_bar(first, width, item.value, scale, "chart-bar")]
        if item.second is not None:
            inner.append(_bar(middle + 0.15, width, item.second, scale, "chart-bar-2"))
        marks.append(_with_tip(tip, inner))
    last = items[-1]
    last_x = round((slot * (len(items) - 0.5)) - (width / 2 if two else 0), 2)
    last_y = round(max(10.0, _PLOT_TOP + scale.y(last.value) - 5), 2)
    labels = [
        _text("0", height - 3, items[0].label),
        _text("100%", height - 3, last.label, "end"),
        _text(f"{last_x}%", last_y, _short(last.value), "middle", class_="chart-value"),
    ]
    total = _short(sum(item.value for item in items))
    what = f"{total} {names[0] or unit}".strip()
    if two:
        what += f", {_short(sum(item.second or 0 for item in items))} {names[1]}"
    text = f"{len(items)} bars from {items[0].label} to {last.label}: {what} in all; highest {_short(highest)}."
    return _svg(title, text, height, [_axis(scale), _beside_axis([_grid(scale), *marks, *labels])])


def run_strip(runs: Sequence[Run], *, title: str, height: int = 44) -> SafeString:
    """Draws recent runs, oldest first: a filled bar is a success, a hollow bar with a cross a failure."""
    if not runs:
        return _nothing(title, height)
    top = max(max(run.size for run in runs), 1.0)
    slot = 100 / max(len(runs), 30)
    marks: list[SafeString] = []
    for index, run in enumerate(runs):
        x = round(slot * index + slot * 0.15, 3)
        # A root scale, because one long first run would make all others look the same.
        tall = round(6 + (height - 18) * math.sqrt(max(run.size, 0) / top), 2)
        shapes = [_rect(_OUTCOME_CLASS.get(run.outcome, "chart-none"), x, height - tall, slot * 0.7, tall, rx="1.5")]
        if run.outcome == "failed":
            shapes.append(_text(f"{round(x + slot * 0.35, 3)}%", height - tall - 4, "×", "middle"))
        marks.append(_with_tip(run.text, shapes))
    failed = sum(run.outcome == "failed" for run in runs)
    text = f"The last {formats.plural(len(runs), 'run')}, {failed or 'none'} failed. Newest: {runs[-1].text}"
    return _svg(title, text, height, marks)


def sparkline(values: Sequence[float | None], *, title: str, tone: str = "") -> SafeString:
    """Returns a small line without axes, from zero, with gaps for missing values."""
    known = [value for value in values if value is not None]
    if not known:
        return format_html('<svg class="sparkline" role="img" aria-label="{}"></svg>', f"{title}: no data")
    scale = _Scale(max(*known, 1.0) if len(known) > 1 else max(known[0], 1.0), 20.0)
    points = [Point(date.min, value) for value in values]
    return format_html(
        '<svg class="sparkline" role="img" aria-label="{}" viewBox="0 -2 1000 24" preserveAspectRatio="none">{}</svg>',
        f"{title}: from {_short(known[0])} to {_short(known[-1])}",
        _line(Series(title, points, tone), scale),
    )


def _svg(title: str, text: str, height: int, parts: Iterable[SafeString]) -> SafeString:
    number = next(_ids)
    return format_html(
        '<svg class="chart" role="img" width="100%" height="{0}" aria-labelledby="chart-{1} chart-{1}-text">'
        '<title id="chart-{1}">{2}</title><desc id="chart-{1}-text">{3}</desc>{4}</svg>',
        height,
        number,
        title,
        text,
        _join(parts),
    )


def _nothing(title: str, height: int) -> SafeString:
    return _svg(title, "Nothing to show yet.", height, [_text("50%", height // 2, "Nothing to show yet", "middle")])


def _join(parts: Iterable[SafeString]) -> SafeString:
    return mark_safe("".join(parts))  # noqa: S308 -- every part was made by format_html


def _tag(name: str, content: str = "", **attributes: object) -> SafeString:
    """Returns an element. In names of attributes, a trailing underscore is removed and others become hyphens."""
    given = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items() if value not in (None, ""))
    inside = format_html_join("", ' {}="{}"', given)
    return format_html("<{0}{1}>{2}</{0}>", name, inside, content) if content else format_html("<{}{}/>", name, inside)


def _text(x: str, y: float, content: str, anchor: str = "", class_: str = "") -> SafeString:
    return _tag("text", content, class_=class_, x=x, y=y, text_anchor=anchor)


def _rect(class_: str, x: float, y: float, width: float, height: float, content: str = "", rx: str = "") -> SafeString:
    """Returns a rectangle; `x` and `width` in percent, `y` and `height` in pixels."""
    place = {"x": f"{round(x, 3)}%", "y": round(y, 2), "width": f"{round(width, 3)}%", "height": round(height, 2)}
    return _tag("rect", content, class_=class_, **place, rx=rx)


def _with_tip(tip: str, shapes: Iterable[SafeString]) -> SafeString:
    return _tag("g", _join([_tag("title", tip), *shapes]))


def _scale(highest: float, height: float) -> _Scale:
    """From zero to a round number above `highest`, with at most three grid lines."""
    step = _round_up(max(highest, 1) / 2)
    top = step * max(1, math.ceil(highest / step))
    return _Scale(top, height, [step * index for index in range(round(top / step) + 1)])


def _round_up(value: float) -> float:
    if value <= 1:
        return 1
    power = 10 ** math.floor(math.log10(value))
    return next(
        float(nice * power)
        for nice in (1, 1.5, 2, 2.5, 3, 4, 5, 10)
        if nice * power >= value and (nice * power) % 1 == 0
    )


def _x(index: int, length: int, whole: float = 100) -> float:
    return round(whole * index / (length - 1), 2) if length > 1 else whole


def _grid(scale: _Scale) -> SafeString:
    heights = (_PLOT_TOP + scale.y(tick) for tick in scale.ticks)
    return _join(_tag("line", class_="chart-grid", x1="0", x2="100%", y1=y, y2=y) for y in heights)


def _axis(scale: _Scale) -> SafeString:
    return _join(_text("0", round(_PLOT_TOP + scale.y(tick) + 4, 2), _short(tick)) for tick in scale.ticks)


def _beside_axis(parts: Iterable[SafeString]) -> SafeString:
    """Puts everything except the axis in a box to the right of its labels; percentages refer to that box."""
    place = {"x": f"{_GUTTER}%", "width": f"{100 - _GUTTER}%"}
    return _tag("svg", _join(parts), **place, height="100%", overflow="visible")


def _line(line: Series, scale: _Scale) -> SafeString:
    length = len(line.points)
    tone = f" series-{line.tone}" if line.tone else ""
    drawn: list[SafeString] = []
    for part, dashed in _stretches(line.points):
        places = [(_x(index, length, 1000), scale.y(line.points[index].value or 0)) for index in part]
        if len(places) == 1:
            # A single day between gaps is drawn as a short stroke, because it would be invisible otherwise.
            places.append((min(1000.0, places[0][0] + 2), places[0][1]))
        path = " ".join(f"{x:g},{y:g}" for x, y in places)
        if line.area and not dashed:
            base = f"{scale.height:g}"
            shape = f"M{places[0][0]:g},{base} L{path} L{places[-1][0]:g},{base}Z"
            drawn.append(_tag("path", class_=f"chart-area{tone}", d=shape))
        classes = f"chart-line{tone}" + (" chart-dash" if dashed else "")
        drawn.append(_tag("polyline", class_=classes, points=path))
    return _join(drawn)


def _stretches(points: Sequence[Point]) -> list[tuple[list[int], bool]]:
    """Runs of indexes without a gap, all observed or all reconstructed; neighbours share the point between them."""
    stretches: list[tuple[list[int], bool]] = []
    for index, point in enumerate(points):
        if point.value is None:
            continue
        joined = bool(stretches) and stretches[-1][0][-1] == index - 1
        if joined and stretches[-1][1] == point.reconstructed:
            stretches[-1][0].append(index)
        else:
            # The dashed part ends at the first observed point.
            if joined and stretches[-1][1]:
                stretches[-1][0].append(index)
                stretches.append(([index], point.reconstructed))
            else:
                stretches.append(([index - 1, index] if joined else [index], point.reconstructed))
    return [stretch for stretch in stretches if stretch[0]]


def _band(statuses: Sequence[str | None], bottom: float) -> SafeString:
    """Draws a rectangle per run of equal statuses: Good low, Fair higher, Poor highest."""
    marks: list[SafeString] = []
    start = 0
    for index in range(1, len(statuses) + 1):
        if index < len(statuses) and statuses[index] == statuses[start]:
            continue
        status = statuses[start]
        height, share = _BAND_HEIGHT[known(status)], 100 / len(statuses)
        tip = _tag("title", health_label(status))
        place = (share * start, bottom - height, share * (index - start), height)
        marks.append(_rect(f"chart-{css_class(status)}", *place, tip))
        start = index
    return _join(marks)


def _bar(x: float, width: float, value: float, scale: _Scale, cls: str) -> SafeString:
    y = scale.y(value)
    return _rect(cls, x, _PLOT_TOP + y, width, scale.height - y, rx="1.5")


def _days(days: Sequence[date], height: int) -> SafeString:
    first, last = _text("0", height - 3, _day(days[0]), "start"), _text("100%", height - 3, _day(days[-1]), "end")
    return _join([first, last])


def _day(value: date) -> str:
    return f"{value.day} {value:%b}"


def _describe(series: Sequence[Series], unit: str) -> str:
    sentences = []
    for line in series:
        known = [point for point in line.points if point.value is not None]
        if not known:
            sentences.append(f"{line.name}: no data.")
            continue
        values = [point.value or 0 for point in known]
        named = f" {unit}" if unit else ""
        sentences.append(
            f"{line.name}: {_short(values[-1])}{named} on {_day(known[-1].day)}, from {_short(values[0])} on "
            f"{_day(known[0].day)}; lowest {_short(min(values))}, highest {_short(max(values))}."
        )
    if any(point.reconstructed for line in series for point in line.points):
        sentences.append("The dashed part was worked out from the tickets' dates.")
    return " ".join(sentences)


def _short(value: float) -> str:
    if value >= 10_000:
        return f"{value / 1000:,.0f}k"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def legend(items: Iterable[tuple[str, str]]) -> SafeString:
    """Returns the legend of a chart: (name, tone) pairs; tone "" is the accent, "bar:quiet" a quiet bar."""
    keys = []
    for name, tone in items:
        bar = " legend-key-bar" if tone.startswith("bar") else ""
        colour = f" legend-key-{tone.removeprefix('bar:')}" if tone.removeprefix("bar").lstrip(":") else ""
        keys.append((bar, colour, name))
    item = '<span class="legend-item"><span class="legend-key{}{}"></span>{}</span>'
    return format_html('<div class="legend" aria-hidden="true">{}</div>', format_html_join("", item, keys))
