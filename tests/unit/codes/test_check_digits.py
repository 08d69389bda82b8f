import pytest

from aclf_fhir.codes.check_digits import is_loinc, is_snomed


@pytest.mark.parametrize("code", ["1975-2", "3150-0", "6301-6", "777-3", "100348-2", "98152-2"])
def test_loinc_codes_carry_their_check_digit(code: str) -> None:
    assert is_loinc(code)


@pytest.mark.parametrize(
    "code", ["3150-6", "1975-3", "Total_bilirubin", "", "-2", "01975-2", "19752", "1975-22", "١٩-٢"]
)
def test_anything_else_is_no_loinc_code(code: str) -> None:
    assert not is_loinc(code)


@pytest.mark.parametrize(
    "code", ["19943007", "420054005", "2053831000122108", "1258985005", "293991000000106"]
)
def test_snomed_concepts_carry_their_check_digit(code: str) -> None:
    assert is_snomed(code)


@pytest.mark.parametrize(
    "code",
    [
        "19943008",  # another check digit
        "19934007",  # two figures swapped
        "32473010",  # a description, not a concept
        "12345",
        "019943007",
        "K74.60",
        "",
    ],
)
def test_anything_else_is_no_snomed_concept(code: str) -> None:
    assert not is_snomed(code)


def test_every_single_wrong_figure_is_caught() -> None:
    code = "420054005"
    wrong = {
        code[:place] + figure + code[place + 1 :]
        for place in range(len(code))
        for figure in "0123456789"
    } - {code}
    assert not any(is_snomed(other) for other in wrong)
