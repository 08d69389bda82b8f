from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from aclf_fhir.errors import AclfError
from aclf_fhir.record import Fact, FactKind
from aclf_fhir.trial.examples import EXAMPLE_TIME, facts_of, record_of
from aclf_fhir.trial.models import DeathBy, Remission, Survival
from aclf_fhir.trial.protocol import build_protocol
from aclf_fhir.units import Interval
from tests.unit.evaluation.facts import rules

DATA: dict[str, Any] = {
    "id": "example-aclf-01",
    "version": "1",
    "effective": "2024-01-01",
    "registered": {
        "title": "An invented trial",
        "short_title": "Invented",
        "registry_id": "EXAMPLE-01",
        "sponsor": "Nobody",
        "status": "recruiting",
        "target": Decimal(20),
    },
    "time_zero": "Randomisation",
    "max_span": "24 h",
    "scores": ["meld_optn"],
    "arms": [{"id": "a", "title": "A", "kind": "experimental"}],
    "schedule": [{"day_offset": Decimal(0), "title": "First"}],
    "items": [
        {"code": "tired", "text": "Tired?", "type": "yes-no", "valid": "7 d"},
        {
            "code": "weight",
            "text": "Weight?",
            "type": "quantity",
            "unit": "kg",
            "valid": "7 d",
            "low": 20,
        },
        {"code": "since", "text": "Since when?", "type": "date", "valid": "7 d"},
        {
            "code": "how",
            "text": "How?",
            "type": "choice",
            "valid": "7 d",
            "answers": {"well": "Well", "badly": "Badly"},
        },
    ],
    "questions": [
        {"id": "q", "text": "What?", "reading": "This.", "effect": "None.", "closed_by": "sponsor"}
    ],
    "inclusion": [
        {
            "id": "I1",
            "text": "Consent",
            "source": "1",
            "decided_by": "person",
            "questions": ["q"],
            "all_of": [{"consent": "active"}, {"score": {"name": "meld_optn", "min": 17}}],
        }
    ],
    "exclusion": [
        {
            "id": "E1",
            "text": "Tired",
            "source": "2",
            "decided_by": "person",
            "applies_to": {"age": {"min": "18 a"}},
            "attested": {"item": "tired", "met": ["yes"], "not_met": ["no"]},
        }
    ],
    "outcomes": [
        {
            "id": "O1",
            "title": "Dead",
            "text": "Dead",
            "source": "3",
            "primary": "yes",
            "death": {"day": 28},
        },
        {
            "id": "O2",
            "title": "Alive",
            "text": "Alive",
            "source": "3",
            "survival": {"day": 90, "calendar": "3 months"},
        },
        {
            "id": "O3",
            "title": "Well",
            "text": "Well",
            "source": "3",
            "remission": {
                "day": 28,
                "tolerance": 3,
                "criteria": {"attested": {"item": "tired", "met": ["no"], "not_met": ["yes"]}},
            },
        },
    ],
    "examples": [
        {
            "id": "one",
            "verdict": "undetermined",
            "because": ["I1"],
            "facts": {"person": {"age": "40 a"}},
        },
        {
            "id": "two",
            "like": "one",
            "verdict": "undetermined",
            "without": ["person.age"],
            "facts": {"labs": {"inr": "1.5 {INR}"}},
        },
    ],
}


def build(**changes: Any) -> Any:
    return build_protocol({**deepcopy(DATA), **changes}, "trials/example.yaml")


def test_a_protocol_is_what_its_file_says() -> None:
    protocol = build()
    assert protocol.target == 20
    assert protocol.enrolled is None
    assert protocol.criterion("E1").applies_to is not None
    assert [type(each) for each in protocol.outcomes] == [DeathBy, Survival, Remission]
    assert protocol.outcomes[0].primary
    assert protocol.items["tired"].answers == {"yes": "Yes", "no": "No", "unknown": "Not known"}
    assert protocol.items["weight"].low == 20
    assert protocol.examples[1].facts == {"person": {}, "labs": {"inr": "1.5 {INR}"}}
    assert ("score", "meld_optn") in protocol.references()
    assert ("item", "tired") in protocol.references()
    assert list(protocol.criterion("E1").nodes())
    assert build(max_span=None).id == "example-aclf-01"


def consent_hidden(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**DATA["inclusion"][0], "all_of": [node]}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"exclusion": [DATA["exclusion"][0], DATA["exclusion"][0]]}, "two criteria"),
        ({"questions": []}, "no question q"),
        ({"items": DATA["items"][1:]}, "no attestation item tired"),
        ({"inclusion": consent_hidden({"age": {"min": "18 a"}})}, "requires an active Consent"),
        ({"inclusion": consent_hidden({"consent": "refused"})}, "requires an active Consent"),
        (
            {
                "inclusion": consent_hidden(
                    {"any_of": [{"consent": "active"}, {"age": {"min": "1 a"}}]}
                )
            },
            "requires an active Consent",
        ),
        (
            {
                "inclusion": consent_hidden(
                    {
                        "consent": "active",
                        "ask": {"item": "tired", "met": ["yes"], "not_met": ["no"]},
                    }
                )
            },
            "requires an active Consent",
        ),
        (
            {
                "exclusion": [
                    {**DATA["exclusion"][0], "attested": {"item": "tired", "met": ["often"]}}
                ]
            },
            "no answer often",
        ),
        (
            {
                "exclusion": [
                    {
                        **DATA["exclusion"][0],
                        "attested": {"item": "tired", "met": ["yes"], "not_met": ["yes"]},
                    }
                ]
            },
            "decides both ways",
        ),
        ({"examples": [{**DATA["examples"][0], "because": ["I9"]}]}, "no criterion I9"),
        ({"examples": [{**DATA["examples"][1], "like": "zero"}]}, "no earlier example"),
        (
            {
                "examples": [
                    DATA["examples"][0],
                    {**DATA["examples"][1], "without": ["labs.sodium"]},
                ]
            },
            "nothing called labs.sodium",
        ),
    ],
)
def test_a_protocol_that_contradicts_itself(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(AclfError) as raised:
        build(**changes)
    assert any(message in issue.message for issue in raised.value.issues)
    assert all("trials/example.yaml" in issue.location for issue in raised.value.issues)


def expand(**sections: Any) -> list[Fact]:
    return list(facts_of(build(), sections, rules()))


def test_the_notation_of_examples() -> None:
    (bilirubin,) = expand(labs={"bilirubin_total": "<205.2 umol/L (ULN 20.52 umol/L) @ 26 h ago"})
    assert bilirubin.value == Interval(None, Decimal(12), False, False)
    assert bilirubin.reference_high == Interval.exact(Decimal("1.2"))
    assert bilirubin.start is not None
    assert (EXAMPLE_TIME - bilirubin.start.latest).total_seconds() == 26 * 3600
    two = expand(labs={"inr": ["1.5 {INR} @ 9 h ago", "1.6 {INR}"]})
    assert [fact.value for fact in two] == [Interval.exact(Decimal(n)) for n in ("1.5", "1.6")]
    (finding,) = expand(findings={"hiv": "absent (review, provisional)"})
    assert finding.qualifiers == {"review", "provisional"}
    (drug,) = expand(medications={"norepinephrine": "0.1 ug/kg/min (administered)"})
    assert drug.value == Interval.exact(Decimal("0.1"))
    (unknown_dose,) = expand(medications={"norepinephrine": "given (administered)"})
    assert unknown_dose.value is None
    (study,) = expand(studies={"another": "on-study"})
    assert study.kind is FactKind.PARTICIPATION
    agreed, other = expand(consent={"this_study": "active", "another": "active"})
    assert (agreed.concept, other.concept) == ("example-aclf-01", "another")
    (stay,) = expand(stays={"inpatient": "in_progress @ 5 d ago"})
    assert stay.kind is FactKind.ENCOUNTER


def test_people_in_examples() -> None:
    facts = expand(
        person={
            "age": "54 a",
            "born": "1970-02",
            "died": "2024",
            "sex": "female",
            "gender": "male",
        }
    )
    assert [fact.concept for fact in facts] == [
        "birth_date",
        "birth_date",
        "death",
        "birth_sex",
        "sex",
    ]
    assert all(fact.start is None for fact in facts)
    (day,) = expand(person={"born": "1970-02-03"})
    assert day.value.earliest.isoformat() == "1970-02-03T00:00:00+00:00"


def test_answers_in_examples() -> None:
    facts = expand(attested={"tired": "yes", "weight": "80 kg", "since": "5 d ago", "how": "well"})
    assert facts[0].value == {"yes"}
    assert facts[1].value == Interval.exact(Decimal(80))
    assert facts[2].value.earliest < EXAMPLE_TIME
    assert facts[3].value == {"well"}
    assert facts[0].context == (("study", "example-aclf-01"),)
    (date,) = expand(attested={"since": "2024-03-01"})
    assert not date.value.is_exact


def test_a_value_nobody_can_read() -> None:
    with pytest.raises(AclfError, match="no value"):
        expand(labs={"inr": "about two"})


def test_an_example_becomes_a_record() -> None:
    protocol = build()
    made = record_of(protocol, protocol.examples[0], rules())
    assert made.as_of == EXAMPLE_TIME
    assert made.of_concept(FactKind.DEMOGRAPHIC, "birth_date")
