from typing import Any

import pytest
from fastapi import Request

from aclf_fhir.api.asking import CURSOR, acceptable, page_links, preferences
from aclf_fhir.errors import AclfError


def request(query: str = "", **headers: str) -> Request:
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/",
            "query_string": query.encode(),
            "headers": [
                (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
            ],
        }
    )


@pytest.mark.parametrize(
    ("prefer", "returns", "lenient"),
    [
        ("return=minimal", "minimal", False),
        ('return="representation"', "representation", False),
        ("handling=lenient; return=OperationOutcome", "OperationOutcome", True),
        ("handling=strict, return=minimal", "minimal", False),
        ("return=everything", "", False),
        ("respond-async", "", False),
        ("", "", False),
    ],
)
def test_preferences_are_read_and_unknown_ones_ignored(
    prefer: str, returns: str, lenient: bool
) -> None:
    wishes = preferences(request(prefer=prefer))
    assert (wishes.returns, wishes.lenient) == (returns, lenient)


def accepts(query: str = "", **headers: str) -> bool:
    try:
        acceptable(request(query, **headers))
    except AclfError as error:
        return error.http != 406
    return True


@pytest.mark.parametrize(
    ("accept", "good"),
    [
        ("application/fhir+json;q=0.1, application/fhir+xml", True),
        ("APPLICATION/JSON", True),
        ("*/*;q=0", False),
        ("*/*;q=0.0", False),
        ("*/*;q=0.001", True),
        ('application/json; fhirVersion="4.0"', True),
        ("application/json; fhirVersion=4.3", False),
        ("application/fhir+xml, text/html", False),
    ],
)
def test_json_has_to_be_among_what_a_client_takes(accept: str, good: bool) -> None:
    assert accepts(accept=accept) is good


def test_a_client_that_says_nothing_takes_json() -> None:
    assert accepts()


@pytest.mark.parametrize(
    ("query", "good"),
    [
        ("_format=json", True),
        ("_format=application/fhir+json", True),  # the plus sign arrives as a space
        ("_format=application/json;fhirVersion=4.0", True),
        ("_format=xml", False),
        ("_format=", False),
    ],
)
def test_format_stands_above_accept(query: str, good: bool) -> None:
    assert accepts(query, accept="text/html") is good


def test_links_keep_the_search_and_point_at_the_next_place() -> None:
    asked: Any = [("code", "a|b"), ("date", "ge2024"), ("date", "lt2025"), (CURSOR, "old")]
    links = dict(page_links("http://x/fhir/Observation", asked, "new"))
    assert links["self"].endswith("?code=a%7Cb&date=ge2024&date=lt2025&_cursor=old")
    assert links["next"].endswith("?code=a%7Cb&date=ge2024&date=lt2025&_cursor=new")
    assert page_links("http://x/fhir/Patient", [], None) == [("self", "http://x/fhir/Patient")]
