import pytest

from aclf_fhir.codes import LOINC, SNOMED, Coding
from aclf_fhir.mapping.models import LookAlike, NotNeededRules, Strength, ValueSet
from aclf_fhir.record import FactKind

DIRECT = Coding(LOINC, "1968-7")
HEART_RATE = Coding(LOINC, "8867-4")
MISPRINT = Coding(LOINC, "3150-6")
LOCAL = Coding("https://lab.example/codes", "BIL")

RULES = NotNeededRules(
    look_alikes={DIRECT: LookAlike("bilirubin_total", "a part of the total")},
    systems=frozenset({LOINC, SNOMED, "https://standard.example"}),
    words=("bilirubin",),
    unless=("urin",),
    categories=frozenset({"survey"}),
    texts={"look-alike": "It resembles an analyte."},
)


@pytest.mark.parametrize(
    ("codings", "texts", "categories", "rule"),
    [
        ([DIRECT], ["Bilirubin direct"], ["laboratory"], "look-alike"),
        ([LOCAL, DIRECT], [], [], "look-alike"),
        ([HEART_RATE], ["Heart rate"], ["vital-signs"], "standard-code-without-use"),
        ([HEART_RATE], [], [], "standard-code-without-use"),
        ([LOCAL, HEART_RATE], ["x"], [], "standard-code-without-use"),
        ([Coding(SNOMED, "364075005")], ["Heart rate"], [], "standard-code-without-use"),
        ([Coding("https://standard.example", "any")], [], [], "standard-code-without-use"),
        ([HEART_RATE], ["BILIRUBIN, new method"], ["laboratory"], None),
        ([HEART_RATE], ["Bilirubin in urine"], [], "standard-code-without-use"),
        ([MISPRINT], ["Oxygen"], [], None),
        ([Coding(SNOMED, "12345")], [], [], None),
        ([LOCAL], ["Bili"], ["laboratory"], None),
        ([LOCAL], ["Bili"], [], None),
        ([], ["Bili"], [], None),
        ([LOCAL], ["Mood"], ["survey"], "category-without-use"),
        ([MISPRINT], ["Oxygen"], ["survey", "vital-signs"], "category-without-use"),
    ],
)
def test_what_may_be_an_analyte_is_held(
    codings: list[Coding], texts: list[str], categories: list[str], rule: str | None
) -> None:
    assert RULES.rule_for(codings, texts=texts, categories=categories) == rule


def test_the_longest_listed_prefix_gives_the_value() -> None:
    icd = "icd"
    cause = ValueSet(
        id="cause",
        title="Cause",
        kind=FactKind.FINDING,
        codes={Coding(icd, "K75.4"): Strength.DEFINITE},
        prefixes={Coding(icd, "K70"): Strength.DEFINITE},
        values={Coding(icd, "K70"): "alcohol", Coding(icd, "K75.4"): "autoimmune"},
    )
    assert cause.value_of(Coding(icd, "K70.31")) == "alcohol"
    assert cause.value_of(Coding(icd, "K75.4")) == "autoimmune"
    assert cause.value_of(Coding(icd, "K75.3")) is None
    assert cause.value_of(Coding("other", "K70.31")) is None
