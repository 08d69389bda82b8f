import json

import pytest

from aclf_fhir.errors import FACES, Category, Issue
from aclf_fhir.publication.operation_outcome import operation_outcome


def issues(*given: Issue) -> list[dict[str, object]]:
    outcome = json.loads(operation_outcome(given))
    assert outcome["resourceType"] == "OperationOutcome"
    return outcome["issue"]


def test_an_issue_shows_what_where_and_what_to_do() -> None:
    issue = Issue(Category.INVALID, "Observation.status", "is missing", "Send one of final …")
    assert issues(issue) == [
        {
            "severity": "error",
            "code": "invalid",
            "details": {
                "coding": [
                    {
                        "system": "https://aclf-fhir.example/fhir/CodeSystem/errors",
                        "code": "invalid",
                    }
                ],
                "text": "is missing",
            },
            "diagnostics": "Observation.status: is missing. Send one of final …",
            "expression": ["Observation.status"],
        }
    ]


def test_a_sentence_that_has_ended_is_not_ended_again() -> None:
    (issue,) = issues(Issue(Category.INVALID, "", "It is missing.", "Send it."))
    assert issue["diagnostics"] == "It is missing. Send it."


@pytest.mark.parametrize("category", Category)
def test_each_category_shows_its_face(category: Category) -> None:
    (issue,) = issues(Issue(category, "", "x"))
    assert issue["code"] == FACES[category].issue_type
    assert issue["diagnostics"] == "x"


@pytest.mark.parametrize(
    ("location", "is_path"),
    [
        ("Observation", True),
        ("Observation.component[0].code", True),
        ("Bundle.entry[3].resource", True),
        ("OBX-5", False),
        ("trials/x.yaml: inclusion", False),
        ("", False),
    ],
)
def test_only_a_fhirpath_is_an_expression(location: str, is_path: bool) -> None:
    (issue,) = issues(Issue(Category.INVALID, location, "x"))
    assert ("expression" in issue) is is_path
    assert location in str(issue["diagnostics"])


def test_all_issues_are_shown_in_order() -> None:
    given = [Issue(Category.INVALID, "", text) for text in ("b", "a")]
    assert [issue["diagnostics"] for issue in issues(*given)] == ["b", "a"]


def test_information_is_informational() -> None:
    (issue,) = issues(Issue(Category.UNSUPPORTED, "", "held", severity="information"))
    assert (issue["severity"], issue["code"]) == ("information", "informational")
    (issue,) = issues(Issue(Category.UNSUPPORTED, "", "held", severity="warning"))
    assert (issue["severity"], issue["code"]) == ("warning", "not-supported")


def test_no_issue_is_good_news() -> None:
    (issue,) = issues()
    assert issue["severity"] == "information"
