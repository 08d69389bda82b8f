from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import msgspec
import pytest

from aclf_fhir.publication.elements import amount, compact, date_time, extension, moment, number
from aclf_fhir.units import Interval, TimeRange

MORNING = datetime(2024, 3, 9, 8, tzinfo=UTC)


def written(value: object) -> bytes:
    return msgspec.json.Encoder(decimal_format="number").encode(value)


def test_what_is_absent_is_left_out_and_zero_is_not_absent() -> None:
    assert compact(a=None, b="", c=[], d={}, e=0, f=False, g=Decimal(0), h="x") == {
        "e": 0,
        "f": False,
        "g": Decimal(0),
        "h": "x",
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1.20"), b"1.20"),
        (Decimal("1E+2"), b"100"),
        (Decimal("-1E-7"), b"-0.0000001"),
        (Decimal("0E-10"), b"0.0000000000"),
        (7, b"7"),
    ],
)
def test_numbers_are_written_in_plain_digits(value: Decimal | int, text: bytes) -> None:
    assert written(number(value)) == text


@pytest.mark.parametrize("text", ["NaN", "Infinity"])
def test_a_number_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        number(Decimal(text))


def test_an_exact_interval_is_a_quantity() -> None:
    assert written(amount(Interval.exact(Decimal("205.2")), "umol/L")) == (
        b'{"valueQuantity":{"value":205.2,"unit":"umol/L",'
        b'"system":"http://unitsofmeasure.org","code":"umol/L"}}'
    )


@pytest.mark.parametrize("comparator", ["<", "<=", ">", ">="])
def test_an_interval_with_one_end_has_the_comparator_it_came_from(comparator: str) -> None:
    value = amount(Interval.from_comparator(comparator, Decimal("0.2")), "")
    assert value == {"valueQuantity": {"value": Decimal("0.2"), "comparator": comparator}}


def test_an_interval_with_two_ends_is_a_range_that_names_its_open_ends() -> None:
    value = Interval(Decimal(1), Decimal(2), low_closed=False)
    assert written(amount(value, "")) == (
        b'{"valueRange":{"extension":[{"url":'
        b'"https://aclf-fhir.example/fhir/StructureDefinition/open-ends","valueCode":"low"}],'
        b'"low":{"value":1},"high":{"value":2}}}'
    )
    assert "extension" not in amount(Interval(Decimal(1), Decimal(2)), "")["valueRange"]


def test_nothing_is_known_of_an_interval_without_ends() -> None:
    assert list(amount(Interval(None, None), "mg/dL")) == ["dataAbsentReason"]


def test_instants_are_written_in_utc_without_losing_or_adding_a_digit() -> None:
    shanghai = timezone(timedelta(hours=8))
    assert date_time(datetime(2024, 3, 9, 16, tzinfo=shanghai)) == "2024-03-09T08:00:00Z"
    assert date_time(MORNING.replace(microsecond=120)) == "2024-03-09T08:00:00.000120Z"
    with pytest.raises(ValueError, match="time zone"):
        date_time(datetime(2024, 3, 9, 8))  # noqa: DTZ001 - a naive one is what is refused


def test_an_instant_that_is_not_exact_is_a_period() -> None:
    assert moment("value", TimeRange.exact(MORNING)) == {"valueDateTime": "2024-03-09T08:00:00Z"}
    assert moment("value", TimeRange(MORNING, MORNING + timedelta(hours=1))) == {
        "valuePeriod": {"start": "2024-03-09T08:00:00Z", "end": "2024-03-09T09:00:00Z"}
    }


def test_an_extension_has_a_value_or_parts() -> None:
    assert list(extension("x", valueCode="a")) == ["url", "valueCode"]
    assert list(extension("x", {"url": "a"})) == ["extension", "url"]
