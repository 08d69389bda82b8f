"""What the spec cases cannot say: parts on their own, and forms R4 validation keeps out."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from aclf_fhir.codes import ICD10CM, Coding
from aclf_fhir.fhir import r4
from aclf_fhir.fhir.r4 import datatypes
from aclf_fhir.mapping import (
    HELD,
    RULES,
    Disposition,
    HeldReason,
    MappingOutcome,
    map_resource,
    rule_text,
)
from aclf_fhir.mapping.blood_pressure import mean_pressure
from aclf_fhir.mapping.codings import read_notions
from aclf_fhir.mapping.doses import DoseRate, rate_of
from aclf_fhir.mapping.draft import Draft
from aclf_fhir.mapping.models import NotNeededRules, Strength
from aclf_fhir.mapping.references import contained_resource, find_resource, literal_reference
from aclf_fhir.mapping.times import age_span
from aclf_fhir.record import FactKind, FactStatus, SourceVersion
from aclf_fhir.units import Interval, TimeRange

from .worlds import BIRTH, BLEEDING, KNOWN, MEAN, SHIPPED, context

PARTS = SHIPPED.unit_parts

SUBJECT = datatypes.Reference(reference="Patient/p1")


def _pressure(code: str, value: str) -> object:
    return r4.observation.ObservationComponent(
        code=_concept(code), value_quantity=datatypes.Quantity(value=Decimal(value), unit="mm[Hg]")
    )


def _concept(code: str, system: str = "http://loinc.org") -> datatypes.CodeableConcept:
    return datatypes.CodeableConcept(coding=[datatypes.Coding(system=system, code=code)])


def _observation(**elements: object) -> object:
    return r4.Observation(
        **{
            "status": "final",
            "code": _concept("1975-2"),
            "subject": SUBJECT,
            "effective_date_time": "2024-06-15T08:00:00Z",
            **elements,
        }
    )


def test_a_fact_names_its_source_and_clocks() -> None:
    quantity = datatypes.Quantity(value=Decimal("1.20"), unit="mg/dL")
    (fact,) = map_resource(_observation(value_quantity=quantity), context()).facts
    assert fact.source == SourceVersion("Observation", "r1", 3, "Observation.valueQuantity")
    assert fact.source.reference == "Observation/r1/_history/3"
    assert (fact.known, fact.subject, fact.unit) == (KNOWN, "p1", "mg/dL")
    assert fact.sent is not None
    assert (fact.sent.text, fact.sent.value.low) == ("1.20", Decimal("1.20"))


def test_the_same_input_gives_the_same_outcome() -> None:
    resource = _observation(value_quantity=datatypes.Quantity(value=Decimal(2), unit="mg/dL"))
    assert map_resource(resource, context()) == map_resource(resource, context())


def test_a_mean_nobody_has_is_held_though_both_pressures_are_plausible() -> None:
    narrow = replace(MEAN, plausible=Interval(Decimal(80), Decimal(250)))
    analytes = {**context().analytes, MEAN.id: narrow}
    panel = _observation(
        code=_concept("85354-9"), component=[_pressure("8480-6", "90"), _pressure("8462-4", "60")]
    )
    outcome = map_resource(panel, context(analytes=analytes))
    assert outcome.disposition is Disposition.HELD
    *pressures, mean = outcome.facts
    assert [fact.concept for fact in pressures] == ["systolic_pressure", "diastolic_pressure"]
    assert (mean.concept, mean.value, mean.status) == (MEAN.id, None, FactStatus.NO_VALUE)
    assert mean.flags == {"derived", "held"}
    assert [holding.reason for holding in outcome.holdings] == [HeldReason.IMPLAUSIBLE]


@pytest.mark.parametrize(("diastolic", "mean"), [("59", "69.33"), ("60", "70"), ("61", "70.67")])
def test_mean_pressure_around_seventy(diastolic: str, mean: str) -> None:
    found = mean_pressure(
        systolic=Interval.exact(Decimal(90)), diastolic=Interval.exact(Decimal(diastolic))
    )
    assert found.value is not None
    assert round(found.value, 2) == Decimal(mean)


def test_of_two_strengths_the_stronger_counts() -> None:
    weak, strong = Coding(ICD10CM, "K92.1"), Coding(ICD10CM, "K92.2")
    for codings in ((weak, strong), (strong, weak)):
        notions = read_notions(codings, context(), frozenset({FactKind.FINDING}))
        assert notions.found["gi_bleeding"].strength is Strength.DEFINITE


def test_an_exact_code_beats_a_prefix_and_an_exclusion_ends_it() -> None:
    value_set = replace(
        BLEEDING,
        prefixes={
            Coding(ICD10CM, "K92"): Strength.REVIEW,
            Coding(ICD10CM, "K92.8"): Strength.SUPPORTING,
        },
        excluded=frozenset({Coding(ICD10CM, "K92.81")}),
    )
    strengths = [
        value_set.strength(Coding(ICD10CM, code))
        for code in ("K92.2", "K92.9", "K92.89", "K92.81", "K93")
    ]
    assert strengths == [
        Strength.DEFINITE,
        Strength.REVIEW,
        Strength.SUPPORTING,
        None,
        None,
    ]


def test_past_and_present_contradict() -> None:
    codings = (Coding(ICD10CM, "K92.2"), Coding(ICD10CM, "Z87.1"))
    assert read_notions(codings, context(), frozenset({FactKind.FINDING})).contradiction


@pytest.mark.parametrize(
    "text", ["#p1", "Patient?identifier=1", "urn:uuid:1", "not a reference at all"]
)
def test_a_reference_that_names_no_patient_of_the_site_is_held(text: str) -> None:
    outcome = map_resource(
        _observation(
            subject=datatypes.Reference(reference=text),
            value_quantity=datatypes.Quantity(value=Decimal(2), unit="mg/dL"),
        ),
        context(),
    )
    assert [holding.reason for holding in outcome.holdings] == [HeldReason.SUBJECT_NOT_LITERAL]
    assert outcome.facts == ()


def test_literal_references() -> None:
    def literal(text: str | None) -> str | None:
        return literal_reference(datatypes.Reference(reference=text))

    assert literal_reference(None) is None
    assert literal(None) is None
    assert literal("Specimen/s1") == "Specimen/s1"
    assert literal("Specimen/s.1") == "Specimen/s.1"
    assert literal("Specimen/s1/_history/2") == "Specimen/s1"
    assert literal("https://other.example/fhir/Specimen/s1") is None
    assert literal("no reference") is None


def test_a_contained_resource_that_is_not_there() -> None:
    owner = _observation()
    assert contained_resource(owner, "s1") is None
    draft = Draft(context(), "Observation")
    assert find_resource(datatypes.Reference(reference="#s1"), owner, draft) is None
    assert find_resource(None, owner, draft) is None


def test_a_report_passes_over_a_result_that_is_not_there() -> None:
    report = r4.DiagnosticReport(
        status="final", code=_concept("1"), result=[datatypes.Reference(reference="#gone")]
    )
    assert map_resource(report, context()).rule == "report-without-coded-conclusion"


@pytest.mark.parametrize(
    ("years", "start", "end"),
    [
        (51, datetime(2023, 3, 1, tzinfo=UTC), datetime(2024, 2, 29, tzinfo=UTC)),
        (52, datetime(2024, 2, 29, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_leap_day_birthday_falls_on_the_first_of_march(
    years: int, start: datetime, end: datetime
) -> None:
    draft = Draft(context(), "Condition")
    draft.dates = context().subject_dates("p1")
    assert draft.dates is not None
    assert draft.dates.birth == BIRTH
    age = datatypes.Age(value=Decimal(years), code="a")
    assert age_span(draft, age=age, ages=None) == TimeRange(start, end)


@pytest.mark.parametrize("value", [None, Decimal(-1), Decimal(151)])
def test_an_age_nobody_has_is_no_time(value: Decimal | None) -> None:
    draft = Draft(context(), "Condition")
    draft.dates = context().subject_dates("p1")
    assert age_span(draft, age=datatypes.Age(value=value, code="a"), ages=None) is None


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("ng/kg/min", "0.1", "ug/kg/min"),
        ("ug/(kg.min)", "100", "ug/kg/min"),
        ("mcg/kg/min", "100", "ug/kg/min"),
        ("mg/kg/h", "1666.666666666666666666666667", "ug/kg/min"),
        ("g/d", "69444.44444444444444444444444", "ug/min"),
    ],
)
def test_dose_rates(text: str, value: str, unit: str) -> None:
    rate = rate_of(datatypes.Quantity(value=Decimal(100), unit=text), None, PARTS)
    assert isinstance(rate, DoseRate)
    assert (rate.value.value, rate.unit) == (Decimal(value), unit)


@pytest.mark.parametrize("text", ["[IU]/min", "mL/h", "ug/kg/fortnight", "parsec/min", "ug", ""])
def test_what_is_no_dose_rate(text: str) -> None:
    assert rate_of(datatypes.Quantity(value=Decimal(1), unit=text), None, PARTS) is None


def test_a_negative_rate_is_none() -> None:
    assert rate_of(datatypes.Quantity(value=Decimal(-1), unit="ug/min"), None, PARTS) is None


def test_a_dose_exactly_on_a_limit_stays_on_it() -> None:
    ratio = datatypes.Ratio(
        numerator=datatypes.Quantity(value=Decimal("0.3"), unit="ug/kg"),
        denominator=datatypes.Quantity(value=Decimal(3), unit="min"),
    )
    rate = rate_of(None, ratio, PARTS)
    assert isinstance(rate, DoseRate)
    assert rate.value.value is not None
    assert Fraction(rate.value.value) == Fraction(1, 10)


def test_a_draft_waits_once_for_each_reference() -> None:
    draft = Draft(context(), "Observation")
    draft.wait_for("Specimen/s1")
    draft.wait_for("Specimen/s1")
    assert draft.outcome("cancelled") == MappingOutcome(
        Disposition.NOT_NEEDED, rule="cancelled", waits_for=("Specimen/s1",)
    )


def test_every_rule_and_reason_has_its_sentence() -> None:
    assert set(HELD) == set(HeldReason)
    assert all(sentence.endswith(".") for sentence in (*RULES.values(), *HELD.values()))
    data = NotNeededRules(texts={"look-alike": "It is another analyte."})
    assert rule_text("look-alike", data) == "It is another analyte."
    assert rule_text("cancelled", data) == RULES["cancelled"]
    with pytest.raises(KeyError):
        rule_text("nobody-states-this", data)
