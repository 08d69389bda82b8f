"""What a specimen adds to a result, and when it contradicts the code."""

from dataclasses import replace

import pytest

from aclf_fhir.codes import SNOMED, Coding
from aclf_fhir.mapping.draft import Draft
from aclf_fhir.mapping.specimen import Sample, check_specimen
from tests.unit.mapping.worlds import BILIRUBIN, context

URINE = Coding(SNOMED, "122575003")

BLOOD = Coding(SNOMED, "119297000")
ARTERIAL = Coding(SNOMED, "122552005")
VENOUS = Coding(SNOMED, "122555007")
LOCAL = Coding("urn:invented:lab", "TUBE-7")
ANY = frozenset[Coding]()
IN_BLOOD = frozenset({BLOOD, ARTERIAL, VENOUS})
IN_URINE = frozenset({BLOOD, URINE})


@pytest.mark.parametrize(
    ("sample", "allowed", "said"),
    [
        (Sample((LOCAL,), (("bile", "specimen"),)), ANY, ((), ())),
        (Sample((BLOOD,)), IN_BLOOD, ((), ())),
        (Sample((LOCAL,), names_blood=True), IN_BLOOD, ((), ())),
        (Sample((LOCAL,)), IN_BLOOD, ((), ("specimen_unknown",))),
        (Sample((ARTERIAL,)), IN_BLOOD, (("arterial",), ())),
        (Sample((URINE,), (("urine", "specimen"),)), IN_URINE, ((), ())),
        (Sample((URINE,), (("urine", "specimen"),)), IN_BLOOD, None),
        (Sample((BLOOD,), (("urine", "specimen"),)), IN_BLOOD, None),
        (Sample((BLOOD,), (("urine", "specimen"), ("bile", "specimen"))), IN_URINE, None),
        (Sample((ARTERIAL, VENOUS)), IN_BLOOD, None),
    ],
)
def test_what_a_specimen_says(sample, allowed, said):
    draft = Draft(context(), "Observation")
    fit = check_specimen(sample, replace(BILIRUBIN, specimens=allowed), frozenset(), draft)
    assert (None if fit is None else (tuple(fit.qualifiers), tuple(fit.flags))) == said
    assert bool(draft.holdings) is (said is None)


def test_the_vessel_of_the_code_and_of_the_specimen_must_be_one():
    draft = Draft(context(), "Observation")
    venous = replace(BILIRUBIN, specimens=IN_BLOOD)
    assert check_specimen(Sample((VENOUS,)), venous, frozenset({"venous"}), draft) is not None
    assert check_specimen(Sample((VENOUS,)), venous, frozenset({"arterial"}), draft) is None
