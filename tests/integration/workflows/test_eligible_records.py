"""Whole records through mapping, evaluation and screening, one finding away from `eligible`."""

from pathlib import Path
from typing import Any

import pytest

from tests.integration.workflows.eligible import (
    ICD10CM,
    RXNORM,
    SNOMED,
    L,
    X,
    answers,
    category,
    coded,
    condition,
    criterion,
    drug,
    grade,
    hours_ago,
    measured,
    resource,
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
    dosages: list[dict[str, Any]], expected: tuple[str, str]
) -> None:
    told = drug("MedicationStatement", RXNORM, "8638", "active", effectiveDateTime=hours_ago(24))
    if dosages:
        told["dosage"] = dosages
    assert criterion(L, "X10", told=told) == expected


# ── Organ support ────────────────────────────────────────────────────────────────────────────────

BRAIN_ALONE: dict[str, Any] = {
    "bilirubin": measured("1975-2", 5, "mg/dL"),
    "creatinine": measured("2160-0", 1.2, "mg/dL"),
    "brain": grade("west-haven-grade", "west-haven-4"),
}
ENCEPHALOPATHY = coded(SNOMED, "13920009")
PNEUMONIA = coded(SNOMED, "233604007")


def ventilated(**reasons: Any) -> dict[str, Any]:
    return resource(
        "Procedure",
        status="in-progress",
        code=coded(SNOMED, "1258985005"),
        performedPeriod={"start": hours_ago(10)},
        **reasons,
    )


def test_a_failing_brain_alone_is_no_grade() -> None:
    assert criterion(L, "I2", **BRAIN_ALONE) == ("ineligible", "not_met")


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ({"reasonCode": [ENCEPHALOPATHY]}, ("ineligible", "not_met")),
        ({"reasonReference": [{"reference": "Condition/he"}]}, ("ineligible", "not_met")),
        ({"reasonCode": [PNEUMONIA]}, ("eligible", "met")),
        ({"reasonCode": [ENCEPHALOPATHY, PNEUMONIA]}, ("eligible", "met")),
        ({}, ("eligible", "met")),
    ],
)
def test_ventilation_for_encephalopathy_is_no_respiratory_failure(
    reasons: dict[str, Any], expected: tuple[str, str]
) -> None:
    found = criterion(
        L,
        "I2",
        **BRAIN_ALONE,
        answers=answers(L, mechanical_ventilation=None),
        ventilation=ventilated(**reasons),
        reason=condition(SNOMED, "13920009", 12) | {"id": "he"},
    )
    assert found == expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("ventilation-hepatic-encephalopathy", ("ineligible", "not_met")),
        ("ventilation-other", ("eligible", "met")),
        (None, ("eligible", "met")),
    ],
)
def test_the_answered_reason_belongs_to_the_answered_ventilation(
    reason: str | None, expected: tuple[str, str]
) -> None:
    reasons = {} if reason is None else {"ventilation_reason": reason}
    told = answers(L, mechanical_ventilation="yes", **reasons)
    assert criterion(L, "I2", **BRAIN_ALONE, answers=told) == expected


# ── Courses of results ───────────────────────────────────────────────────────────────────────────


def stay(since: float, until: float | None = None) -> dict[str, Any]:
    inpatient = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}
    period = {"start": hours_ago(since)} | ({} if until is None else {"end": hours_ago(until)})
    status = "in-progress" if until is None else "finished"
    return resource("Encounter", status=status, period=period) | {"class": inpatient}


@pytest.mark.parametrize(
    "stays", [[stay(144)], [stay(144, 48), stay(48)], [stay(144, 48.1), stay(48)]]
)
def test_a_transfer_does_not_make_an_inpatient_value_the_baseline(
    stays: list[dict[str, Any]],
) -> None:
    course = [
        measured("2160-0", 0.6, "mg/dL", 720),
        measured("2160-0", 1.85, "mg/dL", 49),
        measured("2160-0", 1.85, "mg/dL", 1),
    ]
    assert criterion(X, "X5", stays=stays, creatinine=course) == ("ineligible", "met")


@pytest.mark.parametrize(("first", "second"), [(0.6, 1.5), (1.5, 0.6)])
def test_a_disputed_baseline_is_asked_for_in_any_order(first: float, second: float) -> None:
    rivals = [measured("2160-0", value, "mg/dL", 720) for value in (first, second)]
    course = [*rivals, measured("2160-0", 1.85, "mg/dL", 1)]
    found = criterion(X, "X5", stays=[stay(144)], creatinine=course)
    assert found == ("undetermined", "unknown")


@pytest.mark.parametrize(("first", "second"), [(100, 130), (130, 100)])
def test_a_rise_from_a_disputed_value_is_unknown_in_any_order(first: float, second: float) -> None:
    rivals = [measured("14631-6", value, "umol/L", 25) for value in (first, second)]
    course = [*rivals, measured("14631-6", 137.1, "umol/L", 1)]
    assert criterion(X, "I2c", bilirubin=course) == ("undetermined", "unknown")


# ── Other studies ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("trial", "name"), [(X, "X10"), (L, "X15")])
@pytest.mark.parametrize(
    ("category", "expected"),
    [
        ("Observational", ("undetermined", "unknown")),
        ("Interventional", ("ineligible", "met")),
    ],
)
def test_an_observational_study_asks(
    trial: str, name: str, category: str, expected: tuple[str, str]
) -> None:
    study = {
        "resourceType": "ResearchStudy",
        "id": "registry",
        "status": "active",
        "category": [{"text": category}],
    }
    takes_part = resource(
        "ResearchSubject",
        known=1,
        status="on-study",
        study={"reference": "ResearchStudy/registry"},
        period={"start": hours_ago(480)},
    )
    assert criterion(trial, name, study=study, takes_part=takes_part) == expected


def test_an_answer_clears_an_observational_study() -> None:
    study = {
        "resourceType": "ResearchStudy",
        "id": "registry",
        "status": "active",
        "category": [{"text": "observational"}],
    }
    takes_part = resource(
        "ResearchSubject",
        status="on-study",
        study={"reference": "ResearchStudy/registry"},
        period={"start": hours_ago(480)},
    )
    assert verdict(X, study=study, takes_part=takes_part)[0] == "eligible"


# ── Answers and what came after them ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("creatinine", "expected"),
    [(1.1, ("eligible", "not_met")), (2.0, ("undetermined", "unknown"))],
)
def test_a_result_that_raises_no_question_leaves_the_answer(
    creatinine: float, expected: tuple[str, str]
) -> None:
    found = criterion(
        X,
        "X5",
        kidney=condition(ICD10CM, "N18.4", 9000),
        creatinine=measured("2160-0", creatinine, "mg/dL", 1),
        answers=answers(X, hours=2),
    )
    assert found == expected


def test_a_finding_after_the_answer_still_asks_again() -> None:
    found = criterion(X, "X5", kidney=condition(ICD10CM, "N18.4", 1), answers=answers(X, hours=2))
    assert found == ("undetermined", "unknown")


@pytest.mark.parametrize(("trial", "name"), [(X, "X9"), (L, "X13")])
@pytest.mark.parametrize(
    ("value", "hours", "outcome"),
    [
        ({"value": 4.9}, 168, "not_met"),
        ({"value": 5, "comparator": "<"}, 24, "not_met"),
        ({"value": 4.9}, 168.1, "unknown"),
        ({"value": 5}, 24, "unknown"),
        ({"value": 5, "comparator": "<="}, 24, "unknown"),
    ],
)
def test_a_low_serum_hcg_of_the_week_is_a_negative_test(
    trial: str, name: str, value: dict[str, Any], hours: float, outcome: str
) -> None:
    woman = {
        "resourceType": "Patient",
        "id": "p",
        "gender": "female",
        "birthDate": "1970-01-01",
    }
    test = measured("19080-1", unit="[IU]/L", hours=hours, **value)
    told = answers(trial, breastfeeding="no")
    assert criterion(trial, name, patient=woman, answers=told, hcg=test)[1] == outcome


# ── Grades carried as the stage of a Condition ───────────────────────────────────────────────────

MET, ASKED = ("ineligible", "met"), ("undetermined", "unknown")


@pytest.mark.parametrize(
    ("trial", "name", "code", "stage", "expected"),
    [
        (X, "X6", "J44.9", "1097941000000103", MET),
        (L, "X7", "J44.9", "1097931000000107", MET),
        (X, "X6", "J44.9", "313297008", ("eligible", "not_met")),
        # A class is judged at its date, which a stage does not carry: the answer decides.
        (L, "X5", "I50.9", "420913000", ("eligible", "not_met")),
    ],
)
def test_a_stage_counts_as_its_code_does(
    trial: str, name: str, code: str, stage: str, expected: tuple[str, str]
) -> None:
    staged = condition(ICD10CM, code, 9000, known=3, stage=[{"summary": coded(SNOMED, stage)}])
    assert criterion(trial, name, staged=staged) == expected


def test_a_class_as_stage_is_asked_for() -> None:
    stage = [{"summary": coded(SNOMED, "420913000")}]
    staged = condition(ICD10CM, "I10", 9000, known=1, stage=stage)
    assert criterion(L, "X5", staged=staged) == ASKED


# ── Complete feeds and the work list ─────────────────────────────────────────────────────────────

OVER = {
    "clinicalStatus": coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "resolved"),
    "abatementDateTime": hours_ago(121),
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, ("eligible", "not_met")),
        ({"other": condition("urn:local", "B1", 10)}, ASKED),
        ({"other": condition("urn:local", "B1", 9000)}, ASKED),
        (
            {"other": condition("urn:local", "B1", 300) | OVER},
            ("eligible", "not_met"),
        ),
        ({"other": condition(ICD10CM, "I10", 10)}, ("eligible", "not_met")),
    ],
)
def test_an_unknown_code_keeps_a_complete_feed_from_clearing(
    tmp_path: Path, changed: dict[str, Any], expected: tuple[str, str]
) -> None:
    catalog = site_with_feeds(tmp_path, "gi_bleeding")
    told = answers(L, gi_bleeding_5_days=None)
    found = criterion(L, "X8", answers=told, catalog=catalog, site="full", **changed)
    assert found == expected


@pytest.mark.parametrize(
    ("drug_", "expected"),
    [
        (drug("MedicationStatement", "urn:local", "T", "active"), ASKED),
        (drug("MedicationStatement", "urn:local", "T", "not-taken"), ("eligible", "not_met")),
        (
            drug(
                "MedicationAdministration",
                "urn:local",
                "T",
                "completed",
                effectiveDateTime=hours_ago(719),
            ),
            ASKED,
        ),
        (
            drug(
                "MedicationAdministration",
                "urn:local",
                "T",
                "completed",
                effectiveDateTime=hours_ago(721),
            ),
            ("eligible", "not_met"),
        ),
        (
            drug(
                "MedicationRequest",
                "urn:local",
                "T",
                "active",
                intent="order",
                authoredOn=hours_ago(721),
            ),
            ASKED,
        ),
    ],
)
def test_an_unknown_drug_keeps_a_complete_feed_from_clearing(
    tmp_path: Path, drug_: dict[str, Any], expected: tuple[str, str]
) -> None:
    catalog = site_with_feeds(tmp_path, *IMMUNOSUPPRESSION)
    told = answers(L, immunosuppressive_therapy=None)
    found = criterion(L, "X10", answers=told, drug=drug_, catalog=catalog, site="full")
    assert found == expected


@pytest.mark.parametrize(
    ("answered", "when", "expected"),
    [
        (None, {"effectivePeriod": {"start": hours_ago(60), "end": hours_ago(40)}}, None),
        ("no", {"effectivePeriod": {"start": hours_ago(60), "end": hours_ago(40)}}, "none"),
        ("no", {"effectivePeriod": {"start": hours_ago(7200)}}, None),
        ("no", {"effectiveDateTime": hours_ago(7200)}, "none"),
        (None, {"effectiveDateTime": hours_ago(24)}, "1b"),
        (None, {"effectiveDateTime": hours_ago(24.1)}, None),
        (None, {"effectivePeriod": {"start": hours_ago(7200)}}, "1b"),
    ],
)
def test_a_vasopressor_left_in_progress_makes_no_failure(
    answered: str | None, when: dict[str, Any], expected: str | None
) -> None:
    infusion = drug("MedicationAdministration", RXNORM, "7512", "in-progress", **when)
    found = category(
        L,
        "easl_clif_aclf_grade",
        infusion=infusion,
        answers=answers(L, vasopressor_support=answered),
        bilirubin=measured("1975-2", 5, "mg/dL"),
        creatinine=measured("2160-0", 1.6, "mg/dL"),
    )
    assert found == expected
