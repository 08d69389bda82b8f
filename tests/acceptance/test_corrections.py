"""Units, corrections and withdrawals, from the push to what both zones show."""

from typing import Any

import pytest

from aclf_fhir.codes import local_system
from tests.acceptance.conftest import World, value_of

pytestmark = [pytest.mark.real_clock, pytest.mark.slow]

AT = "2024-09-10T06:30:00Z"
NEXT = "2024-09-11T06:30:00Z"
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"


def put(world: World, type_: str, id_: str, **elements: Any) -> None:
    body = {"resourceType": type_, "id": id_, **elements}
    answer = world.server.session.put(f"{world.root}/fhir/{type_}/{id_}", json=body)
    assert answer.status_code in {200, 201}, answer.text


def patient(world: World, id_: str) -> None:
    put(world, "Patient", id_, gender="male", birthDate="1960-05-05")


def result(
    world: World,
    owner: str,
    code: str,
    value: float,
    unit: str,
    at: str = AT,
    status: str = "final",
) -> str:
    id_ = f"{owner}-{code}-{at[8:10]}"
    put(
        world,
        "Observation",
        id_,
        status=status,
        code={"coding": [{"system": LOINC, "code": code}]},
        subject={"reference": f"Patient/{owner}"},
        effectiveDateTime=at,
        valueQuantity={"value": value, "unit": unit, "system": UCUM, "code": unit},
    )
    return id_


def components(score: dict[str, Any]) -> dict[str, Any]:
    """The inputs of a score, as values in the unit used, and its points."""
    url = local_system("components")
    return {
        coding["code"]: value_of(one)
        for one in score["component"]
        for coding in one["code"]["coding"]
        if coding["system"] == url
    }


def bedside(world: World, owner: str) -> None:
    """What CLIF-C OF and the grade need beside bilirubin, creatinine and INR."""
    finding = local_system("findings")
    put(
        world,
        "Observation",
        f"{owner}-he",
        status="final",
        code={"coding": [{"system": finding, "code": "west-haven-grade"}]},
        subject={"reference": f"Patient/{owner}"},
        effectiveDateTime=AT,
        valueCodeableConcept={"coding": [{"system": finding, "code": "west-haven-0"}]},
    )
    put(
        world,
        "QuestionnaireResponse",
        f"{owner}-ward",
        status="completed",
        subject={"reference": f"Patient/{owner}"},
        authored=AT,
        author={"reference": "Practitioner/invented-physician"},
        item=[
            {
                "linkId": "vasopressor-support",
                "answer": [{"valueCoding": {"system": local_system("attestations"), "code": "no"}}],
            }
        ],
    )
    result(world, owner, "8478-0", 82, "mm[Hg]")
    result(world, owner, "2703-7", 85, "mm[Hg]")
    result(world, owner, "3150-0", 21, "%")


@pytest.fixture(scope="module")
def in_three_spellings(world: World) -> list[str]:
    """One patient three times: canonical units, molar units, and cells per microlitre."""
    sent = {
        "units-canonical": ((12, "mg/dL"), (2.4, "mg/dL"), (15, "10*9/L")),
        "units-molar": ((205.2, "umol/L"), (212.16, "umol/L"), (15, "10*3/uL")),
        "units-mixed": ((12.0, "mg/dL"), (2.4, "mg/dL"), (15000, "/uL")),
    }
    for owner, (bilirubin, creatinine, leukocytes) in sent.items():
        patient(world, owner)
        bedside(world, owner)
        molar = bilirubin[1] == "umol/L"
        result(world, owner, "14631-6" if molar else "1975-2", *bilirubin)
        result(world, owner, "14682-9" if molar else "2160-0", *creatinine)
        result(world, owner, "6301-6", 2.0, "{INR}")
        result(world, owner, "6690-2", *leukocytes)
        result(world, owner, "2951-2", 128, "mmol/L")
        result(world, owner, "1751-7", 25, "g/L")
    return list(sent)


@pytest.mark.parametrize(
    "score", ["meld_optn", "meld_3_0", "clif_c_of", "clif_c_aclf", "easl_clif_aclf_grade"]
)
def test_a_score_is_the_same_in_all_units(
    world: World, in_three_spellings: list[str], score: str
) -> None:
    values = []
    for owner in in_three_spellings:
        (found,) = world.derived(owner, "score", score)
        values.append((value_of(found), found["status"]))
    assert len(set(values)) == 1
    assert values[0][0] is not None


@pytest.mark.parametrize("owner", ["units-canonical", "units-molar"])
def test_twelve_mg_per_dl_is_liver_failure(
    world: World, in_three_spellings: list[str], owner: str
) -> None:
    assert owner in in_three_spellings
    (grade,) = world.derived(owner, "score", "easl_clif_aclf_grade")
    assert value_of(grade).endswith("2")  # kidney and liver
    (points,) = world.derived(owner, "score", "clif_c_of")
    assert components(points)["points.liver"] == 3
    assert components(points)["detail.organ_failures"] == "kidney, liver"


@pytest.fixture(scope="module")
def corrected(world: World) -> str:
    owner = "correction"
    patient(world, owner)
    for at, bilirubin in ((AT, 4.2), (NEXT, 4.4)):
        result(world, owner, "1975-2", bilirubin, "mg/dL", at)
        result(world, owner, "2160-0", 1.9, "mg/dL", at)
        result(world, owner, "6301-6", 1.8, "{INR}", at)
    return owner


def melds(world: World, owner: str) -> dict[str, dict[str, Any]]:
    found = world.derived(owner, "score", "meld_optn")
    return {one["effectiveDateTime"]: one for one in found}


def reasons(world: World, score: dict[str, Any]) -> list[str]:
    """Why each version of a score was written, in the order of the Provenances."""
    target = f"Observation/{score['id']}"
    found = world.search(f"fhir/Provenance?target={target}&_count=100")
    found.sort(key=lambda one: str(one["recorded"]))
    return [one["reason"][0]["coding"][0]["code"] for one in found]


def test_a_late_correction_recomputes_that_instant_and_no_other(
    world: World, corrected: str
) -> None:
    before = melds(world, corrected)
    assert [value_of(before[at]) for at in (AT, NEXT)] == [25, 25]
    id_ = result(world, corrected, "1975-2", 14.2, "mg/dL", AT, "corrected")
    after = melds(world, corrected)
    assert [value_of(after[at]) for at in (AT, NEXT)] == [29, 25]
    assert after[AT]["status"] == "amended"
    assert after[AT]["meta"]["versionId"] == "2"
    assert f"Observation/{id_}/_history/2" in {one["reference"] for one in after[AT]["derivedFrom"]}
    assert after[NEXT] == before[NEXT]
    assert reasons(world, after[AT])[-1] == "correction"
    first = world.get(f"fhir/Observation/{after[AT]['id']}/_history/1")
    assert b'"value":25' in first.replace(b" ", b"")


def test_what_is_entered_in_error_is_taken_back(world: World, corrected: str) -> None:
    before = melds(world, corrected)[NEXT]
    result(world, corrected, "6301-6", 1.8, "{INR}", NEXT, "entered-in-error")
    after = melds(world, corrected)[NEXT]
    assert int(after["meta"]["versionId"]) == int(before["meta"]["versionId"]) + 1
    used = {one["reference"] for one in after["derivedFrom"]}
    # The INR of the day before is still young enough; the withdrawn one is evidence no more.
    assert f"Observation/{corrected}-6301-6-10/_history/1" in used
    assert not any(f"{corrected}-6301-6-11" in one for one in used)
    assert after["status"] == "amended"
    assert len(reasons(world, after)) >= 2


def in_the_trial_zone(world: World) -> dict[str, str]:
    """The scores of one instant as the trial sees them, with their status."""
    found = world.search("trials/nct03668171/fhir/Observation?category=score&_count=1000")
    return {one["id"]: one["status"] for one in found if one["effectiveDateTime"] == AT}


def test_an_instant_that_lost_all_its_inputs_is_entered_in_error(world: World) -> None:
    owner = "withdrawal"
    patient(world, owner)
    drawn = (("1975-2", 9.9, "mg/dL"), ("2160-0", 1.1, "mg/dL"), ("6301-6", 1.9, "{INR}"))
    for code, value, unit in drawn:
        result(world, owner, code, value, unit)
    (score,) = melds(world, owner).values()
    assert value_of(score) == 23
    before = in_the_trial_zone(world)
    for code, value, unit in drawn:
        result(world, owner, code, value, unit, AT, "entered-in-error")
    (score,) = melds(world, owner).values()
    assert score["status"] == "entered-in-error"
    after = in_the_trial_zone(world)
    assert after.keys() == before.keys()
    changed = {after[one] for one in after if after[one] != before[one]}
    assert changed == {"entered-in-error"}
