"""The picture: the same bytes each time, text as text, nothing of the person in it."""

import sys
from datetime import UTC, timedelta
from decimal import Decimal
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest

from aclf_fhir.catalog import load_catalog
from aclf_fhir.errors import AclfError, Category
from aclf_fhir.record import Record
from aclf_fhir.units import Interval
from aclf_fhir.workflows.plotting import draw_timeline, plot_record
from aclf_fhir.workflows.timeline import Band, Curve, Point, Span, Timeline, timeline_of
from aclf_fhir.workflows.timeline_drawing import draw_svg
from tests.unit.evaluation.facts import T
from tests.unit.workflows.courses import record, site

SVG = "{http://www.w3.org/2000/svg}"
CATALOG = load_catalog()
SCORES = ("clif_c_of", "child_pugh", "meld_optn", "inr_from_pt")


def timeline() -> Timeline:
    return timeline_of(record(), SCORES, rules=site(), protocols=CATALOG.protocols)


@pytest.fixture(scope="module")
def drawn() -> bytes:
    return draw_svg(timeline())


def texts(svg: bytes) -> list[str]:
    root = ET.fromstring(svg)  # noqa: S314 - we wrote it ourselves
    assert root.tag == f"{SVG}svg"
    return ["".join(each.itertext()) for each in root.iter(f"{SVG}text")]


def group(svg: bytes, gid: str) -> ET.Element:
    root = ET.fromstring(svg)  # noqa: S314 - we wrote it ourselves
    found = next((each for each in root.iter(f"{SVG}g") if each.get("id") == gid), None)
    assert found is not None, gid
    return found


def test_the_same_time_line_gives_the_same_bytes(drawn: bytes) -> None:
    assert draw_svg(timeline()) == drawn
    assert b"<dc:date>" not in drawn


def test_a_style_of_the_machine_changes_nothing(drawn: bytes) -> None:
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "svg.fonttype": "path"}):
        assert draw_svg(timeline()) == drawn
        assert mpl.rcParams["font.size"] == 30, "what was set before is set again"
    assert mpl.rcParams["svg.hashsalt"] is None


def test_pyplot_is_never_imported() -> None:
    assert "matplotlib.pyplot" not in sys.modules


def test_text_is_text(drawn: bytes) -> None:
    said = texts(drawn)
    for title in ("EASL-CLIF grade of ACLF", "MELD, OPTN form", "Child-Pugh"):
        assert title in said
    assert {"none", "2", "3a", "none–1a", "B: > 6", "C: > 9"} <= set(said)
    assert any(text.endswith(": ≥ 17") for text in said)
    assert any("No result: INR from prothrombin time." in text for text in said)
    assert "Patient/p-1: scores over time" in said


def test_it_has_a_title_and_a_description_in_words(drawn: bytes) -> None:
    root = ET.fromstring(drawn)  # noqa: S314 - we wrote it ourselves
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == "Scores of Patient/p-1"
    described = "".join(root.itertext())
    assert "MELD, OPTN form: 20 at 2024-03-03 12:00, 26 at" in described
    assert "25 to 32 at 2024-03-11 12:00" in described
    assert "3a from 2024-03-06 12:00 to 2024-03-07 12:00" in described


def test_there_is_a_panel_per_score(drawn: bytes) -> None:
    for score in ("easl_clif_aclf_grade", "clif_c_of", "child_pugh", "meld_optn"):
        group(drawn, f"score-{score}")


def test_it_loads_nothing_and_runs_nothing(drawn: bytes) -> None:
    for word in (b"<script", b"<image", b"@import", b"onload"):
        assert word not in drawn


def picture_of(*points: Point) -> bytes:
    curves = (Curve(score="s", title="A score", points=points, thresholds=()),)
    return draw_svg(
        Timeline(subject="p", zone=UTC, as_of=T, known_at=T, bands=(), curves=curves, without=())
    )


def test_ends_without_a_bound_and_missing_results_can_be_drawn() -> None:
    intervals = [
        Interval(Decimal(3), None),
        Interval(None, Decimal(9)),
        Interval(None, None),
        None,
        Interval.exact(Decimal("4.20")),
    ]
    points = [
        Point(at=T + timedelta(days=day), values=values, joined=False)
        for day, values in enumerate(intervals)
    ]
    drawn = picture_of(*points)
    assert "4.20" in texts(drawn)
    assert b"not computable at" in drawn


@pytest.mark.parametrize("hours", [0, 1, 5, 20, 30, 71, 80, 100, 300, 1500, 3000, 9000, 60000])
def test_a_course_of_any_length_can_be_drawn(hours: int) -> None:
    exact = Interval.exact(Decimal(7))
    picture_of(
        Point(at=T, values=exact, joined=False),
        Point(at=T + timedelta(hours=hours), values=exact, joined=True),
    )


def test_a_span_too_narrow_for_its_name_has_none() -> None:
    times = (T, T + timedelta(minutes=5), T + timedelta(days=9))
    spans = tuple(
        Span(start=start, end=end, grades=(grade,), ranks=(0.5, 0.5))
        for grade, start, end in (("2", *times[:2]), ("3a", *times[1:]))
    )
    bands = (Band(score="s", title="A grade", spans=spans),)
    drawn = draw_svg(
        Timeline(subject="p", zone=UTC, as_of=T, known_at=T, bands=bands, curves=(), without=())
    )
    assert "3a" in texts(drawn)
    assert "2" not in texts(drawn)
    assert b"A grade: 2 from" in drawn


def test_a_dollar_sign_is_no_formula() -> None:
    curves = (Curve(score="s", title="a $x^2$ b", points=(), thresholds=()),)
    empty = Timeline(
        subject="$1$", zone=UTC, as_of=T, known_at=T, bands=(), curves=curves, without=()
    )
    assert "a $x^2$ b" in texts(draw_svg(empty))


def test_a_record_without_results_is_a_picture_that_says_so() -> None:
    nothing = Record.of("p-1", [], as_of=T, known_at=T)
    svg = plot_record(nothing, ["meld_optn"], catalog=CATALOG, site="demo")
    assert "No score can be computed." in texts(svg)


def test_the_scores_of_the_protocols_are_drawn_unless_some_are_named() -> None:
    every = plot_record(record(), None, catalog=CATALOG, site="demo")
    one = plot_record(record(), ["meld_3_0"], catalog=CATALOG, site="demo")
    assert "MELD-Na, OPTN 2016" in texts(every)
    assert "MELD-Na, OPTN 2016" not in texts(one)
    assert "EASL-CLIF grade of ACLF" in texts(one)
    with pytest.raises(AclfError) as caught:
        plot_record(record(), ["none"], catalog=CATALOG, site="demo")
    assert caught.value.category is Category.NOT_FOUND


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "aclf_fhir.workflows.timeline_drawing")
    monkeypatch.delattr("aclf_fhir.workflows.timeline_drawing", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(AclfError) as caught:
        draw_timeline(timeline())
    assert caught.value.category is Category.UNSUPPORTED
    assert "aclf-fhir[plot]" in caught.value.issues[0].remedy
