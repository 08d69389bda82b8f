"""The examples through a real gateway: pushed, decided on by people, read in both zones."""

import json
import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from aclf_fhir.fhir import validate
from aclf_fhir.workflows.trial_reading import TRIAL_TYPES
from tests.acceptance.conftest import EXAMPLES, TRIALS, World, code_of, strings, value_of

pytestmark = [pytest.mark.real_clock, pytest.mark.slow]

X, L = "nct03668171", "nct02857010"
INVENTED = ("x-eligible", "x-ineligible", "l-eligible", "l-ineligible")
SHORT = 5
"""Names and ids below this length would be found in any text."""


def source_lines() -> list[dict[str, Any]]:
    files = sorted(EXAMPLES.rglob("*.ndjson"))
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def verdicts(world: World, patient: str) -> dict[str, str]:
    return {
        one["code"]["coding"][0]["system"].rpartition("/")[2]: value_of(one)
        for one in world.derived(patient, "verdict")
    }


def criteria(world: World, patient: str, trial: str) -> dict[str, Any]:
    """Whether each criterion of a trial lets the patient pass; None where it is unknown."""
    return {
        code_of(one, trial): next(
            part.get("valueBoolean")
            for part in one["component"]
            if part["code"]["coding"][0]["code"] == "passes"
        )
        for one in world.derived(patient, "criterion")
        if one["code"]["coding"][0]["system"].endswith(trial)
    }


def subjects(world: World, trial: str) -> dict[str, str]:
    found = world.search(f"fhir/ResearchSubject?study=ResearchStudy/{trial}")
    return {one["individual"]["reference"].partition("/")[2]: one["status"] for one in found}


def test_every_resource_is_accounted_for(world: World) -> None:
    sums, groups = world.account("first")
    assert sums["total"] == len(source_lines())
    assert sums["total"] == sums["stored"] + sums["duplicate"] + sums["refused"]
    settled = sums["mapped"] + sums["not-needed"] + sums["held"] + sums["unsettled"]
    assert sums["stored"] + sums["duplicate"] == settled
    assert sums["unsettled"] == 0
    rules = [one for one in groups if one["group"] == "rule"]
    assert sum(one["count"] for one in rules) == sums["not-needed"]
    refused = [one for one in groups if one["group"] == "reason"]
    assert sum(one["count"] for one in refused) == sums["refused"] > 0
    assert all(one["detail"] for one in refused)
    assert "MedicationAdministration" in {one["type"] for one in refused}


def test_untidy_results_are_held_each_for_its_reason(world: World) -> None:
    reasons: Counter[str] = Counter()
    for parameter in json.loads(world.get("fhir/$held?_count=100000"))["parameter"]:
        parts = {part["name"]: part for part in parameter.get("part", ())}
        subject = parts.get("subject", {}).get("valueReference", {}).get("reference")
        if parameter["name"] == "item" and subject == "Patient/invented-untidy":
            reasons[parts["reason"]["valueCode"]] += 1
    assert reasons == {
        "unit-missing": 1,
        "decimal-comma": 1,
        "unmapped-code": 1,
        "specimen-contradicts": 1,
        "effective-in-future": 1,
        "no-effective-time": 1,
    }
    (meld,) = world.derived("invented-untidy", "score", "meld_optn")
    assert meld["effectiveDateTime"] == "2024-04-02T07:00:00Z"


def test_results_of_an_unknown_patient_count_once_the_patient_arrives(world: World) -> None:
    (meld,) = world.derived("invented-latecomer", "score", "meld_optn")
    assert value_of(meld) == 15
    sources = {one["reference"] for one in meld["derivedFrom"]}
    assert len(sources) == 3
    assert all(one.startswith("Observation/invented-latecomer-") for one in sources)


@pytest.mark.parametrize(
    ("patient", "trial", "verdict"),
    [
        ("x-eligible", X, "eligible"),
        ("x-eligible", L, "ineligible"),
        ("x-ineligible", X, "ineligible"),
        ("x-ineligible", L, "ineligible"),
        ("l-eligible", L, "eligible"),
        ("l-eligible", X, "ineligible"),
        ("l-ineligible", L, "ineligible"),
        ("l-ineligible", X, "ineligible"),
    ],
)
def test_verdicts_are_as_designed(world: World, patient: str, trial: str, verdict: str) -> None:
    assert verdicts(world, f"invented-{patient}")[trial] == verdict


@pytest.mark.parametrize(
    ("patient", "trial", "because"),
    [
        # Well again, and taking part in the other trial.
        ("x-eligible", L, {"I2", "X15"}),
        ("x-ineligible", X, {"X1"}),
        ("l-ineligible", L, {"X3"}),
        ("l-ineligible", X, {"I3"}),
    ],
)
def test_what_decides_against_is_what_was_meant_to(
    world: World, patient: str, trial: str, because: set[str]
) -> None:
    passes = criteria(world, f"invented-{patient}", trial)
    assert {code for code, passed in passes.items() if passed is False} == because


def test_the_dead_are_not_screened(world: World) -> None:
    verdict = next(
        one
        for one in world.derived("invented-l-eligible", "verdict")
        if one["code"]["coding"][0]["system"].endswith(X)
    )
    assert "deceased" in [value_of(one) for one in verdict["component"]]


@pytest.mark.parametrize(("patient", "trial"), [("x-eligible", X), ("l-eligible", L)])
def test_every_criterion_lets_the_eligible_pass(world: World, patient: str, trial: str) -> None:
    passes = criteria(world, f"invented-{patient}", trial)
    assert set(passes.values()) == {True}
    assert len(passes) > 15
    assert subjects(world, trial)[f"invented-{patient}"] == "on-study"


def test_nobody_else_is_on_study_and_nobody_simulated_is_eligible(world: World) -> None:
    for trial in TRIALS:
        statuses = Counter(subjects(world, trial).values())
        assert set(statuses) == {"on-study", "potential-candidate"}
        assert statuses["on-study"] == 1
    for patient in (one["id"] for one in world.search("fhir/Patient?_count=100")):
        if not patient.startswith("invented-"):
            assert set(verdicts(world, patient).values()) <= {"undetermined", "ineligible"}


def outcomes(world: World, patient: str) -> dict[str, Any]:
    found = world.derived(patient, "outcome")
    return {one["code"]["coding"][0]["code"]: value_of(one) for one in found}


def test_outcomes_of_the_one_who_recovers(world: World) -> None:
    assert outcomes(world, "invented-x-eligible") == {"O1": "no", "O2": "yes"}
    remission = next(
        one
        for one in world.derived("invented-x-eligible", "outcome")
        if one["code"]["coding"][0]["code"] == "O2"
    )
    evidence = {one["reference"] for one in remission["derivedFrom"]}
    assert "QuestionnaireResponse/invented-x-eligible-follow-up-nct03668171/_history/1" in evidence


def test_outcomes_of_the_one_who_dies_on_day_40(world: World) -> None:
    assert outcomes(world, "invented-l-eligible") == {"S28": "yes", "S90": "no", "S365": "no"}


def test_nobody_else_has_outcomes(world: World) -> None:
    owners = Counter(
        one["subject"]["reference"] for one in world.search("fhir/Observation?category=outcome")
    )
    assert owners == {"Patient/invented-x-eligible": 2, "Patient/invented-l-eligible": 3}


@pytest.mark.parametrize("zone", ["fhir", "trials/{trial}/fhir"])
@pytest.mark.parametrize(
    ("trial", "counted"),
    [
        (X, {"O1": (1, 0, 1, 0), "O2": (1, 1, 0, 0)}),
        (L, {"S28": (1, 1, 0, 0), "S90": (1, 0, 1, 0), "S365": (1, 0, 1, 0)}),
    ],
)
def test_one_pooled_report_per_trial(
    world: World, zone: str, trial: str, counted: dict[str, tuple[int, ...]]
) -> None:
    found = world.search(f"{zone.format(trial=trial)}/MeasureReport?_count=10")
    (report,) = [one for one in found if one["id"].startswith(trial)]
    counts = {
        code_of(group, trial): tuple(one["count"] for one in group["population"])
        for group in report["group"]
    }
    assert counts == counted


def test_everyone_with_the_inputs_in_time_has_a_meld(world: World) -> None:
    """The inputs are looked up in the source files, T is that of the newest of them."""
    tests = {"1975-2": "b", "14631-6": "b", "2160-0": "c", "14682-9": "c", "6301-6": "i"}
    draws: dict[str, dict[str, list[datetime]]] = {}
    for line in source_lines():
        if line["resourceType"] == "Observation" and line["status"] == "final":
            codes = {one["code"] for one in line["code"].get("coding", ())} & set(tests)
            when, unit = line.get("effectiveDateTime"), line.get("valueQuantity", {}).get("code")
            if codes and when and unit and when < "2025":
                instant = datetime.fromisoformat(when.replace("Z", "+00:00"))
                drawn = draws.setdefault(line["subject"]["reference"].partition("/")[2], {})
                drawn.setdefault(tests[codes.pop()], []).append(instant)
    expected = {}
    for patient, drawn in draws.items():
        newest = {name: max(times) for name, times in drawn.items()}
        if len(newest) == 3 and max(newest.values()) - min(newest.values()) <= timedelta(hours=48):
            expected[patient] = max(newest.values())
    assert len(expected) == 12 + 5
    for patient, at in expected.items():
        melds = {
            datetime.fromisoformat(one["effectiveDateTime"].replace("Z", "+00:00")): value_of(one)
            for one in world.derived(patient, "score", "meld_optn")
        }
        assert isinstance(melds[at], int), patient


def test_arms_appear_nowhere(world: World) -> None:
    paths = [f"fhir/{type_}" for type_ in world.site_types()]
    paths += [f"trials/{trial}/fhir/{type_}" for trial in TRIALS for type_ in TRIAL_TYPES]
    found = strings(page for path in paths for page in world.pages(f"{path}?_count=1000"))
    assert len(found) > 10_000
    named = re.compile(r"^arm$|^assignedArm$|^actualArm$|\barms?\b|peripheral vein|without cells")
    assert [one for one in found if named.search(one)] == []


def test_the_trial_zone_has_subjects_with_scores(world: World) -> None:
    for trial, status in ((X, "on-study"), (L, "on-study")):
        zone = f"trials/{trial}/fhir"
        found = world.search(f"{zone}/ResearchSubject?_count=100")
        pseudonyms = {one["individual"]["reference"]: one["status"] for one in found}
        assert len(pseudonyms) == len(subjects(world, trial))
        (enrolled,) = [one for one, where in pseudonyms.items() if where == status]
        scores = world.search(f"{zone}/Observation?subject={enrolled}&category=score&_count=500")
        assert {code_of(one, "scores") for one in scores if one["code"].get("coding")} >= {
            "meld_optn",
            "child_pugh",
        }
        assert world.search(f"{zone}/Observation?subject={enrolled}&category=outcome")


def identifying() -> set[str]:
    """Every id, identifier, name, birth date and free name in the source files."""
    found: set[str] = set()
    for line in source_lines():
        found.add(line["id"])
        identifiers = line.get("identifier", [])
        for one in identifiers if isinstance(identifiers, list) else [identifiers]:
            found.add(one.get("value", ""))
        if line["resourceType"] in {"Patient", "Practitioner"}:
            found.add(line.get("birthDate", ""))
            for name in line.get("name", ()):
                found |= {name.get("family", ""), name.get("text", ""), *name.get("given", ())}
            for contact in line.get("contact", ()):
                found.add(contact["name"]["text"])
    return {one for one in found if len(one) >= SHORT}


def test_whatever_the_gateway_derives_is_valid_r4(world: World) -> None:
    paths = [f"fhir/{type_}" for type_ in world.site_types()]
    paths += [f"trials/{trial}/fhir/{type_}" for trial in TRIALS for type_ in TRIAL_TYPES]
    derived = [
        one
        for path in paths
        for one in world.search(f"{path}?_count=1000")
        if any(tag["code"] == "derived" for tag in one.get("meta", {}).get("tag", ()))
    ]
    assert {one["resourceType"] for one in derived} >= {"Observation", "ResearchSubject"}
    for one in derived:
        assert validate(json.dumps(one).encode()) == (), one["id"]


def test_nothing_identified_is_in_any_byte_of_the_trial_zone(world: World) -> None:
    wanted = identifying()
    assert {"invented-x-eligible", "Wilhelmina", "1976-08-19", "INVENTED-X-ELIGIBLE"} <= wanted
    assert len(wanted) > 4000
    for trial in TRIALS:
        paths = [f"trials/{trial}/fhir/{type_}?_count=1000" for type_ in TRIAL_TYPES]
        zone = "\n".join(strings(page for path in paths for page in world.pages(path)))
        assert len(zone) > 20_000
        assert [one for one in wanted if one in zone] == []


def test_pushing_again_changes_nothing(world: World) -> None:
    before = world.everything()
    world.push("again", decide=False)
    after = world.everything()
    assert {one for one in after if before.get(one) != after[one]} == set()
    assert after.keys() == before.keys()
    sums, _ = world.account("again")
    first, _ = world.account("first")
    assert sums["stored"] == 0
    assert {**sums, "stored": sums["duplicate"], "duplicate": 0} == first
