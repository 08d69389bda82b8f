"""What holds for every Observation, whatever its value, unit or time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from aclf_fhir.catalog import load_catalog
from aclf_fhir.fhir import r4
from aclf_fhir.fhir.r4 import datatypes
from aclf_fhir.mapping import Disposition, MappingContext, SubjectDates, map_resource
from aclf_fhir.mapping.blood_pressure import mean_pressure
from aclf_fhir.units import Interval

KNOWN = datetime(2024, 7, 1, 12, tzinfo=UTC)
NUMBERS = st.decimals(min_value=Decimal("0.1"), max_value=Decimal("90"), places=2)
TEXTS = st.sampled_from(["mg/dL", "umol/L", "µmol/l", "g/dL", "K/uL", "", "parsec", "%"])


def _context() -> MappingContext:
    context: MappingContext = (
        load_catalog()
        .indexes("default")
        .context(
            resource_id="r1",
            version=1,
            known=KNOWN,
            subject_dates={"p1": SubjectDates()}.get,
            resolve=lambda _: None,
        )
    )
    return context


CONTEXT = _context()


def _bilirubin(quantity: datatypes.Quantity, effective: str = "2024-06-15T08:00:00Z") -> object:
    return r4.Observation(
        status="final",
        code=datatypes.CodeableConcept(
            coding=[datatypes.Coding(system="http://loinc.org", code="1975-2")]
        ),
        subject=datatypes.Reference(reference="Patient/p1"),
        effective_date_time=effective,
        value_quantity=quantity,
    )


def _quantity(value: Decimal, unit: str) -> datatypes.Quantity:
    return datatypes.Quantity(value=value, unit=unit, system="http://unitsofmeasure.org", code=unit)


@given(value=NUMBERS)
def test_a_result_means_the_same_in_every_unit(value: Decimal) -> None:
    (mass,) = map_resource(_bilirubin(_quantity(value, "mg/dL")), CONTEXT).facts
    molar_value = value * Decimal("17.1")
    (molar,) = map_resource(_bilirubin(_quantity(molar_value, "umol/L")), CONTEXT).facts
    assert mass.value == molar.value
    assert mass.unit == molar.unit


@given(value=NUMBERS, sign=st.sampled_from(["<", "<=", ">", ">="]))
def test_a_comparator_leaves_its_value_at_the_end(value: Decimal, sign: str) -> None:
    quantity = datatypes.Quantity(
        value=value, comparator=sign, system="http://unitsofmeasure.org", code="mg/dL"
    )
    (fact,) = map_resource(_bilirubin(quantity), CONTEXT).facts
    assert isinstance(fact.value, Interval)
    assert value in (fact.value.low, fact.value.high)
    assert fact.value.contains(value) == sign.endswith("=")


@given(
    value=st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=3),
    unit=st.none() | TEXTS,
    code=st.none() | TEXTS,
    minutes=st.integers(min_value=-10, max_value=10),
)
def test_every_input_ends_in_one_way(
    value: Decimal | None, unit: str | None, code: str | None, minutes: int
) -> None:
    quantity = datatypes.Quantity(
        value=value, unit=unit, code=code, system="http://unitsofmeasure.org" if code else None
    )
    effective = (KNOWN + timedelta(minutes=minutes)).isoformat()
    outcome = map_resource(_bilirubin(quantity, effective), CONTEXT)
    # What a held result leaves has no value: it only says that there was a result.
    stated = [fact for fact in outcome.facts if "held" not in fact.flags]
    assert all(fact.value is None for fact in outcome.facts if fact not in stated)
    ways = [bool(outcome.holdings), bool(stated), bool(outcome.rule)]
    assert ways.count(True) == 1
    expected = (Disposition.HELD, Disposition.MAPPED, Disposition.NOT_NEEDED)[ways.index(True)]
    assert outcome.disposition is expected
    if minutes > 5:
        assert outcome.disposition is Disposition.HELD


@given(a=NUMBERS, b=NUMBERS)
def test_mean_pressure_lies_between_both(a: Decimal, b: Decimal) -> None:
    low, high = sorted((a, b))
    mean = mean_pressure(systolic=Interval.exact(high), diastolic=Interval.exact(low)).value
    assert mean is not None
    tolerance = Decimal("1e-20")
    assert low - tolerance <= mean <= high + tolerance
