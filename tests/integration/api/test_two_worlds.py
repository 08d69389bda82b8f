"""Two worlds that differ only in allocation answer the trial zone byte for byte alike.

Both are pushed the same invented cases, at the same instants, with the same keys; people
enrol the same subjects. In one of them the study product is given, notes say so, and
somebody sends an arm. Everything a trial system can ask is then compared.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from fastapi.testclient import TestClient

from aclf_fhir.api import create_app
from aclf_fhir.batch import Item, read_sources
from aclf_fhir.cli.people import Act, read_acts
from aclf_fhir.codes import local_system
from aclf_fhir.evaluator import Evaluator
from aclf_fhir.settings import Settings
from aclf_fhir.store import Store
from aclf_fhir.workflows.trial_reading import TRIAL_TYPES
from tests.conftest import ROOT

TRIALS = ("nct02857010", "nct03668171")
CASES = ROOT / "examples" / "invented"
PEOPLE = ("invented-l-eligible", "invented-x-eligible", "invented-x-ineligible")
BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
KEPT = ("etag", "last-modified", "content-type", "location")
PRODUCT = {"coding": [{"system": local_system("medications"), "code": "investigational-product"}]}

FIRST_DRAWS = {
    "invented-x-eligible": datetime(2024, 3, 8, 6, 30, tzinfo=UTC),
    "invented-l-eligible": datetime(2024, 5, 13, 4, 0, tzinfo=UTC),
}
"""When the laboratory first drew blood after enrolment."""

Answer = tuple[str, int, dict[str, str], bytes]


def told(patient: str, on: datetime) -> list[dict[str, Any]]:
    """What would tell a reader of the site's zone that a patient got the product."""
    about = {"reference": f"Patient/{patient}"}
    named, at = f"{patient}-{on:%j}", on.isoformat()
    text = "Received the mesenchymal stem cells of the study, not the placebo."
    return [
        {
            "resourceType": "MedicationAdministration",
            "id": f"product-{named}",
            "status": "completed",
            "medicationCodeableConcept": PRODUCT,
            "subject": about,
            "effectiveDateTime": at,
        },
        {
            "resourceType": "Procedure",
            "id": f"infusion-{named}",
            "status": "completed",
            "code": {"text": text},
            "subject": about,
            "performedDateTime": at,
        },
        {
            "resourceType": "Communication",
            "id": f"note-{named}",
            "status": "completed",
            "subject": about,
            "note": [{"text": text}],
        },
        {
            "resourceType": "Basic",
            "id": f"arm-{named}",
            "code": {"text": "arm: stem cells"},
            "subject": about,
        },
    ]


def unread(patient: str, start: datetime) -> list[dict[str, Any]]:
    """The product and its infusion under codes that nobody can read, 20 h before a draw."""
    about = {"reference": f"Patient/{patient}"}
    at = (FIRST_DRAWS[patient] - timedelta(hours=20)).isoformat()
    drug = {
        "resourceType": "MedicationAdministration",
        "id": f"local-{patient}",
        "status": "completed",
        "medicationCodeableConcept": {"coding": [{"system": "urn:ward", "code": "STUDY-MSC"}]},
        "subject": about,
        "effectiveDateTime": at,
    }
    infusions: list[dict[str, Any]] = [
        {
            "resourceType": "Procedure",
            "id": f"infusion-{number}-{patient}",
            "status": "completed",
            "code": {"text": "Infusion"},
            "subject": about,
            **({"performedDateTime": when} if when else {}),
        }
        for number, when in enumerate((at, f"{start:%Y-%m-%d}", ""))
    ]
    return [drug, *infusions]


class World:
    """A gateway whose clock stands still while anything happens in it."""

    def __init__(self, client: TestClient, clock: Any) -> None:
        self.client = client
        self.clock = clock
        self.minutes = 0

    def later(self) -> None:
        """Go on to the next minute: what one minute holds takes milliseconds of it at most."""
        self.minutes += 1
        self.clock.move_to(BEGIN + timedelta(minutes=self.minutes))

    def push(self, resources: list[dict[str, Any]]) -> None:
        entries = [
            {
                "resource": one,
                "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"},
            }
            for one in resources
        ]
        self.later()
        body = {"resourceType": "Bundle", "type": "batch", "entry": entries}
        assert self.client.post("/fhir", json=body).status_code == 200

    def evaluate(self) -> None:
        for patient in PEOPLE:
            self.later()
            assert self.client.get(f"/fhir/ResearchSubject?patient={patient}").status_code == 200
        self.later()
        assert self.client.get("/fhir/MeasureReport").status_code == 200

    def subject(self, act: Act) -> dict[str, Any]:
        path = f"/fhir/ResearchSubject?patient={act.patient}&study=ResearchStudy/{act.trial}"
        found: dict[str, Any] = self.client.get(path).json()["entry"][0]["resource"]
        return found

    def move(self, act: Act) -> None:
        self.later()
        subject = self.subject(act)
        match = {"If-Match": f'W/"{subject["meta"]["versionId"]}"'}
        moved = {**subject, "status": act.status, "period": {"start": act.start}}
        path = f"/fhir/ResearchSubject/{subject['id']}"
        assert self.client.put(path, json=moved, headers=match).status_code == 200

    def unblind(self, act: Act) -> None:
        """Tell all there is of an arm, soon after enrolment and long after everything else."""
        start = datetime.fromisoformat(str(act.start))
        self.push(told(act.patient, start + timedelta(days=400)))
        for one in told(act.patient, start + timedelta(hours=3)) + unread(act.patient, start):
            assert self.client.put(f"/fhir/{one['resourceType']}/{one['id']}", json=one).is_success

    def send_arm(self, act: Act) -> None:
        """Send the arm itself, which is refused."""
        subject = {**self.subject(act), "assignedArm": "stem cells"}
        match = {"If-Match": f'W/"{subject["meta"]["versionId"]}"'}
        path = f"/fhir/ResearchSubject/{subject['id']}"
        assert self.client.put(path, json=subject, headers=match).status_code == 422

    def surface(self) -> Iterator[Answer]:
        """Yield every answer that the zones of the trials can give."""
        for trial in TRIALS:
            base = f"/trials/{trial}/fhir"
            yield self.ask(f"{base}/metadata")
            for type_ in TRIAL_TYPES:
                versions: dict[str, int] = {}
                for query in ("", "&_sort=date", "&_sort=-_lastUpdated", "&_total=none"):
                    next_page = f"{base}/{type_}?_count=2{query}"
                    while next_page:
                        answer = self.ask(next_page)
                        yield answer
                        page = json.loads(answer[3])
                        for entry in page.get("entry", ()):
                            one = entry["resource"]
                            versions[one["id"]] = int(one["meta"]["versionId"])
                        links = {one["relation"]: one["url"] for one in page["link"]}
                        next_page = links.get("next", "")
                form = self.client.post(f"{base}/{type_}/_search", data={"_count": "3"})
                yield self.kept("POST", form)
                for id_, newest in versions.items():
                    for version in range(1, newest + 2):
                        yield self.ask(f"{base}/{type_}/{id_}/_history/{version}")
                    yield self.ask(f"{base}/{type_}/{id_}")

    def ask(self, path: str) -> Answer:
        return self.kept(path, self.client.get(path))

    @staticmethod
    def kept(path: str, answer: Any) -> Answer:
        headers = {name: answer.headers[name] for name in KEPT if name in answer.headers}
        return path, answer.status_code, headers, answer.content


@contextmanager
def opened(folder: Path) -> Iterator[World]:
    url = f"sqlite:///{folder / 'gateway.sqlite'}"
    with time_machine.travel(BEGIN, tick=False) as clock:
        with Store.open(url) as store:
            for trial in TRIALS:
                store.write(lambda tx, trial=trial: tx.put_trial_key(trial, trial.encode() * 4))
        app = create_app(Settings(database=url, site="demo", as_of="last"))
        with TestClient(app, base_url="http://127.0.0.1") as client:
            yield World(client, clock)


def read(items: list[Item]) -> list[dict[str, Any]]:
    return [json.loads(item.read()) for item in items]


def history(folder: Path, *, unblinded: bool) -> list[Answer]:
    """Live through screening, enrolment and follow-up; return all that trials can see then."""
    items = [item for item in read_sources(CASES).items if "untidy" not in str(item.path)]
    after = [item for item in items if item.path.name == "follow-up.ndjson"]
    before = [item for item in items if item not in after]
    acts = [act for act in read_acts(ROOT / "examples") if act.patient in PEOPLE]
    folder.mkdir()
    with opened(folder) as world:
        world.push(read(before))
        world.evaluate()
        for act in acts:
            world.move(act)
            if unblinded:
                world.unblind(act)
            else:
                world.later()  # as long as the telling takes
            world.later()
            world.subject(act)
            if unblinded:
                world.send_arm(act)
        world.evaluate()
        world.push(read(after))
        world.evaluate()
        world.later()
        return list(world.surface())


def test_what_tells_the_arm_changes_nothing_that_a_trial_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who is evaluated when is this test's to say, so that both worlds do it at one time.
    monkeypatch.setattr(Evaluator, "start", lambda _self: None)
    blind = history(tmp_path / "blind", unblinded=False)
    told_of = history(tmp_path / "told", unblinded=True)
    kinds = Counter(path.split("/")[4].split("?")[0] for path, *_ in blind if path != "POST")
    assert min(kinds[type_] for type_ in TRIAL_TYPES) > 0
    assert sum(b'"relation":"next"' in body for _, _, _, body in blind) > 50
    assert any(b"MeasureReport" in body and b"count" in body for _, _, _, body in blind)
    different = [(one, other) for one, other in zip(blind, told_of, strict=True) if one != other]
    assert different[:1] == []
