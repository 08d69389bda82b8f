"""Whole records through mapping, evaluation and screening, one finding away from `eligible`."""

from pathlib import Path

import pytest

from tests.integration.workflows.eligible import (
    RXNORM,
    SNOMED,
    L,
    X,
    answers,
    category,
    coded,
    criterion,
    drug,
    hours_ago,
    site_with_feeds,
    verdict,
)

IMMUNOSUPPRESSION = ("immunosuppressant", "corticosteroid", "immunosuppression")


@pytest.mark.parametrize("trial", [X, L])
def test_the_record_itself_is_eligible(trial: str) -> None:
    assert verdict(trial)[0] == "eligible"


# ── Drugs ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("hours", [23, 30])
def test_an_infusion_in_progress_supports_the_circulation(hours: float) -> None:
    rate = {"value": 0.05, "unit": "ug/kg/min"}
    infusion = drug(
        "MedicationAdministration",
        RXNORM,
        "7512",
        "in-progress",
        effectivePeriod={"start": hours_ago(hours)},
        dosage={"rateQuantity": rate},
    )
    told = answers(L, vasopressor_support=None)
    assert category(L, "easl_clif_aclf_grade", infusion=infusion, answers=told) == "2"


def test_an_infusion_in_progress_is_current_however_long_it_runs(tmp_path: Path) -> None:
    catalog = site_with_feeds(tmp_path, *IMMUNOSUPPRESSION)
    told = answers(L, immunosuppressive_therapy=None)
    infusion = drug(
        "MedicationAdministration",
        RXNORM,
        "42316",
        "in-progress",
        effectivePeriod={"start": hours_ago(1440)},
    )
    assert criterion(L, "X10", infusion=infusion, answers=told, catalog=catalog, site="full") == (
        "ineligible",
        "met",
    )


@pytest.mark.parametrize(("trial", "code", "name"), [(X, "11289", "I2d"), (L, "42316", "X10")])
def test_an_order_without_end_still_asks_after_the_look_back(
    trial: str, code: str, name: str
) -> None:
    order = drug(
        "MedicationRequest",
        RXNORM,
        code,
        "active",
        intent="order",
        authoredOn=hours_ago(1440),
        known=1,
    )
    assert criterion(trial, name, order=order) == ("undetermined", "unknown")
    over = order | {"status": "completed"}
    assert verdict(trial, order=over)[0] == "eligible"


def test_an_order_without_end_is_no_absence_in_a_complete_feed(tmp_path: Path) -> None:
    catalog = site_with_feeds(tmp_path, *IMMUNOSUPPRESSION)
    told = answers(L, immunosuppressive_therapy=None)
    assert verdict(L, answers=told, catalog=catalog, site="full")[0] == "eligible"
    order = drug(
        "MedicationRequest", RXNORM, "42316", "active", intent="order", authoredOn=hours_ago(1440)
    )
    found = criterion(L, "X10", order=order, answers=told, catalog=catalog, site="full")
    assert found == ("undetermined", "unknown")


ORAL, TOPICAL = ({"route": coded(SNOMED, code)} for code in ("26643006", "6064005"))


@pytest.mark.parametrize(
    ("dosages", "expected"),
    [
        ([TOPICAL], ("eligible", "not_met")),
        ([TOPICAL, TOPICAL], ("eligible", "not_met")),
        ([ORAL], ("ineligible", "met")),
        ([TOPICAL, ORAL], ("ineligible", "met")),
        ([TOPICAL, {"text": "in the evening"}], ("ineligible", "met")),
        ([], ("ineligible", "met")),
    ],
)
def test_a_steroid_is_ignored_only_if_every_route_is_local(
    dosages: list[dict[str, object]], expected: tuple[str, str]
) -> None:
    told = drug("MedicationStatement", RXNORM, "8638", "active", effectiveDateTime=hours_ago(24))
    if dosages:
        told["dosage"] = dosages
    assert criterion(L, "X10", told=told) == expected
