import json
from datetime import timedelta
from typing import Any

from aclf_fhir.publication import measure, measure_report
from tests.unit.publication.cases import T, protocol


def report(**options: Any) -> dict[str, Any]:
    counts = {"O1": {"yes": 1, "no": 2}}
    given = {"start": T, "end": T + timedelta(days=84)} | options
    return json.loads(measure_report(protocol(), counts, **given).body)


def populations(body: dict[str, Any]) -> list[tuple[str, int]]:
    (group,) = body["group"]
    return [(one["code"]["coding"][0]["code"], one["count"]) for one in group["population"]]


def test_the_report_counts_answers_over_all_arms() -> None:
    body = report()
    assert body["type"] == "summary"
    assert populations(body) == [
        ("initial-population", 3),
        ("yes", 1),
        ("no", 2),
        ("unknown", 0),
    ]
    assert body["period"] == {"start": "2024-03-09", "end": "2024-06-01"}
    assert "subject" not in body
    assert b"Verum" not in measure_report(protocol(), {}, start=T, end=T).body


def test_a_trial_without_subjects_counts_none() -> None:
    body = json.loads(measure_report(protocol(), {}, start=None, end=T).body)
    assert populations(body)[0] == ("initial-population", 0)
    assert list(body["period"]) == ["end"]


def test_the_measure_defines_what_the_report_counts() -> None:
    (defined,) = measure(protocol())
    body = json.loads(defined.body)
    assert report()["measure"] == f"{body['url']}|{body['version']}"
    (group,) = body["group"]
    assert [one["code"]["coding"][0]["code"] for one in group["population"]] == [
        name for name, _ in populations(report())
    ]
    assert all(one["criteria"]["expression"] for one in group["population"])


def test_a_protocol_without_outcomes_has_no_measure() -> None:
    assert measure(protocol(outcomes=())) == ()
