"""Draws a time line as SVG. The only module that knows the plotting library, an extra.

The same time line gives the same bytes: the ids inside are salted with a constant, the file
has no date, and neither a style of the machine nor its fonts can change it. Text stays text.
"""

import textwrap
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from threading import Lock
from typing import Any

import matplotlib as mpl
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from aclf_fhir.workflows.timeline import Band, Curve, Point, Span, Timeline

__all__ = ["draw_svg"]

# The settings of the library belong to the whole process: one picture at a time.
_DRAWING = Lock()

_STYLE: dict[Any, object] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "hatch.linewidth": 0.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "aclf-fhir",
    "text.parse_math": False,
}

_WIDTH, _BAND_HEIGHT, _CURVE_HEIGHT, _MARGIN = 10.0, 0.55, 1.6, 1.25
_INK, _LIMIT, _BOUNDS, _GRID = "#1a1a1a", "#7a2a00", "#5b87b5", "#e4e4e4"
# From light to dark, so that the order of the grades survives a greyscale print.
_GRADES = "YlOrBr"
_LIGHTEST, _DARKEST, _WHITE_TEXT_FROM = 0.05, 0.85, 0.6
# Inches a panel is wide at least, and the smallest letters, in points.
_PANEL_WIDTH, _SMALLEST = 8.0, 6.0


def draw_svg(timeline: Timeline) -> bytes:
    """Draw a time line.

    Parameters
    ----------
    timeline
        What to draw.

    Returns
    -------
    bytes
        One SVG document.
    """
    with _DRAWING, mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        figure = _figure(timeline)
        out = BytesIO()
        metadata = {
            "Date": None,
            "Creator": None,
            "Title": f"Scores of Patient/{timeline.subject}",
            "Description": _description(timeline),
        }
        figure.savefig(out, format="svg", metadata=metadata)
    return out.getvalue()


def _figure(timeline: Timeline) -> Figure:
    """Stack one panel per score over a common time axis."""
    heights = [_BAND_HEIGHT] * len(timeline.bands) + [_CURVE_HEIGHT] * len(timeline.curves)
    figure = Figure(figsize=(_WIDTH, sum(heights) + _MARGIN), layout="constrained")
    figure.suptitle(
        f"Patient/{timeline.subject}: scores over time", x=0.01, ha="left", weight="bold"
    )
    figure.supxlabel(_caption(timeline), x=0.01, ha="left", fontsize=7.5, color="#444444")
    if not heights:
        figure.text(0.5, 0.5, "No score can be computed.", ha="center", va="center")
        return figure
    panels = figure.subplots(
        len(heights), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )[:, 0]
    extent = timeline.extent
    if extent is not None:
        _time_axis(panels[-1], timeline, *extent)
    for panel, band in zip(panels, timeline.bands, strict=False):
        _draw_band(panel, band)
    for panel, curve in zip(panels[len(timeline.bands) :], timeline.curves, strict=True):
        _draw_curve(panel, curve)
    return figure


def _time_axis(panel: Axes, timeline: Timeline, start: datetime, end: datetime) -> None:
    low, high = _day(start), _day(end)
    room = max((high - low) * 0.03, 1 / 24)
    panel.set_xlim(low - room, high + room)
    locator = dates.AutoDateLocator(tz=timeline.zone, minticks=3)
    panel.xaxis.set_major_locator(locator)
    panel.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=timeline.zone))


def _draw_band(panel: Axes, band: Band) -> None:
    """Draw grades as colored spans with their names; what stays open is hatched."""
    panel.set_gid(f"score-{band.score}")
    panel.set_title(band.title)
    panel.set_ylim(0, 1)
    panel.set_yticks([])
    panel.spines["left"].set_visible(False)
    low, high = panel.get_xlim()
    for span in band.spans:
        certain = len(span.grades) == 1
        start, end = _day(span.start), _day(span.end)
        shade = _LIGHTEST + (_DARKEST - _LIGHTEST) * (span.ranks[1] if certain else 0.0)
        panel.axvspan(
            start,
            end,
            facecolor=to_hex(mpl.colormaps[_GRADES](shade)) if certain else "#ffffff",
            edgecolor=_INK if certain else "#8a8a8a",
            linewidth=0.6,
            hatch=None if certain else "////",
        )
        _name(panel, span, shade, wide=(end - start) / (high - low))


def _name(panel: Axes, span: Span, shade: float, *, wide: float) -> None:
    """Write a grade on its span as large as it fits, upright or not at all where it does not."""
    certain = len(span.grades) == 1
    points = wide * _PANEL_WIDTH * 72
    if points < _SMALLEST * 1.4:
        return
    room = points / (0.65 * len(span.label))
    panel.text(
        (_day(span.start) + _day(span.end)) / 2,
        0.5,
        span.label,
        ha="center",
        va="center",
        rotation=0 if room >= _SMALLEST else 90,
        fontsize=min(9.0, max(room, _SMALLEST)),
        color="#ffffff" if certain and shade >= _WHITE_TEXT_FROM else _INK,
        bbox=None if certain else {"facecolor": "#ffffff", "edgecolor": "none", "pad": 0.8},
        clip_on=True,
    )


def _draw_curve(panel: Axes, curve: Curve) -> None:
    """Draw exact values as a line with gaps, bounds as bars, limits as dashed lines."""
    panel.set_gid(f"score-{curve.score}")
    panel.set_title(curve.title)
    panel.grid(color=_GRID, linewidth=0.6)
    panel.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    for before, point in zip(curve.points, curve.points[1:], strict=False):
        if point.joined:
            panel.plot(
                [_day(before.at), _day(point.at)], [_value(before), _value(point)], color=_INK
            )
    exact = [point for point in curve.points if point.values and point.values.is_exact]
    panel.plot(
        [_day(point.at) for point in exact],
        [_value(point) for point in exact],
        linestyle="none",
        marker="o",
        markersize=4.5,
        color=_INK,
        zorder=4,  # a dot beside a bar is not hidden by it
    )
    _draw_bounds(panel, curve)
    for threshold in curve.thresholds:
        panel.axhline(
            float(threshold.value), color=_LIMIT, linestyle=(0, (5, 3)), linewidth=0.9, zorder=1
        )
        panel.annotate(
            threshold.label,
            (1, float(threshold.value)),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
            color=_LIMIT,
            annotation_clip=False,
        )
    panel.margins(y=0.12)
    _draw_missing(panel, curve)
    if exact:
        _write_last(panel, exact[-1])


def _draw_bounds(panel: Axes, curve: Curve) -> None:
    """Draw each interval as a bar with caps; an end that is not bounded has an arrow."""
    for point in curve.points:
        values = point.values
        if values is None or values.is_exact:
            continue
        ends = [end for end in (values.low, values.high) if end is not None]
        low, high = _number(values.low, ends), _number(values.high, ends)
        at = _day(point.at)
        panel.vlines(at, low, high, color=_BOUNDS, linewidth=3.5, zorder=2)
        for end, mark in ((values.low, "v"), (values.high, "^")):
            height = low if mark == "v" else high
            panel.plot(at, height, marker="_" if end is not None else mark, color=_INK, zorder=3)


def _draw_missing(panel: Axes, curve: Curve) -> None:
    """Mark at the foot of the panel where a result could not be computed."""
    for point in curve.points:
        if point.values is None:
            panel.plot(
                _day(point.at),
                0.04,
                transform=panel.get_xaxis_transform(),
                marker="x",
                markersize=5,
                color=_INK,
            )


def _write_last(panel: Axes, point: Point) -> None:
    """Write the newest exact value beside its point."""
    if point.values is not None:
        panel.annotate(
            f"{point.values.low}",
            (_day(point.at), _value(point)),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            bbox={"facecolor": "#ffffff", "edgecolor": "none", "alpha": 0.75, "pad": 0.5},
        )


def _caption(timeline: Timeline) -> str:
    """Say what the signs mean, whose clock it is, and for when it was drawn."""
    lines = [
        "Dot: value as reported; line: held until the next one; bar: between these values, inputs"
        " missing or inexact; ×: not computable; no line: inputs too old or missing.",
        f"As of {_instant(timeline, timeline.as_of)}, known at"
        f" {_instant(timeline, timeline.known_at)}; times in {timeline.zone}.",
    ]
    if timeline.without:
        lines.append(f"No result: {'; '.join(timeline.without)}.")
    return "\n".join(part for line in lines for part in textwrap.wrap(line, 175))


def _instant(timeline: Timeline, instant: datetime) -> str:
    return instant.astimezone(timeline.zone).strftime("%Y-%m-%d %H:%M")


def _description(timeline: Timeline) -> str:
    """Say in words what is drawn, for those who cannot see it."""
    told = []
    for band in timeline.bands:
        spans = ", ".join(
            f"{span.label} from {_instant(timeline, span.start)} to {_instant(timeline, span.end)}"
            for span in band.spans
        )
        told.append(f"{band.title}: {spans}.")
    for curve in timeline.curves:
        points = ", ".join(
            f"{_told(point)} at {_instant(timeline, point.at)}" for point in curve.points
        )
        told.append(f"{curve.title}: {points}.")
    return " ".join(told) or "No score can be computed."


def _told(point: Point) -> str:
    values = point.values
    if values is None:
        return "not computable"
    return str(values.low) if values.is_exact else f"{values.low} to {values.high}"


def _day(instant: datetime) -> float:
    return float(dates.date2num(instant))


def _value(point: Point) -> float:
    return _number(point.values.low if point.values else None, [])


def _number(value: Decimal | None, otherwise: list[Decimal]) -> float:
    """Return a coordinate; an end that is not bounded is drawn at the other one."""
    if value is None:
        return float(otherwise[0]) if otherwise else 0.0
    return float(value)
