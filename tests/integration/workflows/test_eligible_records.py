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
