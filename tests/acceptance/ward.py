"""A gateway, one patient, and the clock they live by: where a scenario is played."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any

import msgspec
import time_machine
from fastapi.testclient import TestClient

from aclf_fhir.api import create_app
from aclf_fhir.settings import Settings
from tests.acceptance.catalogue import Scenario
from tests.acceptance.charting import Chart
from tests.acceptance.conftest import value_of
from tests.conftest import ROOT

Resource = dict[str, Any]

_LOOPBACK = "http://127.0.0.1"
_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(slots=True)
class Shown:
    """What is shown of one trial: verdict, reasons, flags, and each criterion's answer."""

    verdict: str = ""
    version: str = ""
    reasons: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    criteria: dict[str, "Shown"] = field(default_factory=dict)
    passes: bool | None = None

    @classmethod
    def of(cls, observation: Resource) -> "Shown":
        """Read a verdict or a criterion result."""
        parts = observation["component"]
        return cls(
            verdict=str(value_of(observation)),
            version=observation["method"]["text"].rpartition(" ")[2],
            reasons=_codes(parts, "reason"),
            flags=_codes(parts, "flag"),
            missing=_codes(parts, "missing-next"),
            passes=next(iter(one["valueBoolean"] for one in parts if "valueBoolean" in one), None),
        )

    @property
    def open_or_failing(self) -> dict[str, "Shown"]:
        """The criteria that do not let the patient pass."""
        return {name: one for name, one in self.criteria.items() if one.passes is not True}


class Ward:
    """Plays what a scenario says of its patient into a gateway, as clients would.

    Parameters
    ----------
    scenario
        The patient, the site, the zone of its times.
    url
        An empty database.
    folder
        For changed rules.
    clock
        Stands still until it is moved.
    """

    def __init__(
        self, scenario: Scenario, url: str, folder: Path, clock: time_machine.Traveller
    ) -> None:
        self.scenario = scenario
        self.chart = Chart(scenario.id, scenario.zone)
        self.enrolled: set[str] = set()
        self.kept: dict[str, bytes] = {}
        self._clock = clock
        self._url = url
        self._trials = folder / "trials"
        self._client: TestClient | None = None

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Run the gateway; its rules are those of now."""
        settings = Settings(
            database=self._url,
            site=self.scenario.site,
            trials=self._trials if self._trials.is_dir() else None,
        )
        with TestClient(create_app(settings), _LOOPBACK) as self._client:
            yield

    def move_clock(self, text: str) -> None:
        """Let it be a time of the scenario."""
        self._clock.move_to(self.scenario.instant(text))

    def change_rules(self, changes: Mapping[str, Mapping[str, str]]) -> None:
        """Write another version of a protocol: each text given becomes another."""
        self._trials.mkdir(exist_ok=True)
        for trial, texts in changes.items():
            shipped = ROOT / "trials" / f"{trial}.yaml"
            text = shipped.read_text(encoding="utf-8")
            for before, after in texts.items():
                if text.count(before) != 1:
                    raise ValueError(f"{before!r} stands {text.count(before)} times in {trial}")
                text = text.replace(before, after)
            (self._trials / shipped.name).write_text(text, encoding="utf-8")

    def send(self, resources: Iterable[Resource]) -> None:
        """Push resources as one batch; the sender is told that each was stored."""
        entries = [
            {
                "resource": one,
                "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"},
            }
            for one in resources
        ]
        if not entries:
            return
        body = _encode({"resourceType": "Bundle", "type": "batch", "entry": entries})
        answer = self._http.post(
            "/fhir", content=body, headers={"Content-Type": "application/fhir+json"}
        )
        assert answer.status_code == 200, answer.text
        told = answer.json()["entry"]
        refused = [one for one in told if not one["response"]["status"].startswith("20")]
        assert not refused, json.dumps(refused)[:2000]

    def move_subject(self, trial: str, said: str) -> None:
        """Move the ResearchSubject as a person does: read, decide, write on that version."""
        status, _, since = said.partition(" @ ")
        subject = self.subject(trial)
        subject["status"] = status
        if since:
            subject["period"] = {"start": self.chart.instant(since)}
        answer = self._http.put(
            f"/fhir/ResearchSubject/{subject['id']}",
            json=subject,
            headers={"If-Match": f'W/"{subject["meta"]["versionId"]}"'},
        )
        assert answer.status_code == 200, answer.text
        self.enrolled.add(trial)

    def subject(self, trial: str) -> Resource:
        """Return the patient's ResearchSubject in a trial."""
        query = f"patient={self.scenario.id}&study=ResearchStudy/{trial}"
        (entry,) = self._get(f"/fhir/ResearchSubject?{query}")["entry"]
        found: Resource = entry["resource"]
        return found

    def published_versions(self) -> dict[str, bytes]:
        """Return the bytes of every version there is of the published verdicts."""
        query = f"patient={self.scenario.id}&category=verdict"
        current = [one["resource"] for one in self._get(f"/fhir/Observation?{query}")["entry"]]
        paths = [
            f"/fhir/Observation/{one['id']}/_history/{version}"
            for one in current
            for version in range(1, int(one["meta"]["versionId"]) + 1)
        ]
        return {path: self._http.get(path).content for path in paths}

    def screened(self, **clocks: str) -> dict[str, Shown]:
        """Return what `$screen` computes for two clocks, by trial."""
        given = "&".join(f"{name}={self.utc(text)}" for name, text in clocks.items())
        bundle = self._get(f"/fhir/Patient/{self.scenario.id}/$screen?{given}")
        return by_trial(entry["resource"] for entry in bundle["entry"])

    def published(self) -> dict[str, Shown]:
        """Return what anybody reads who searches."""
        found = []
        for category in ("verdict", "criterion"):
            query = f"patient={self.scenario.id}&category={category}&_count=1000"
            found += [one["resource"] for one in self._get(f"/fhir/Observation?{query}")["entry"]]
        return by_trial(found)

    def utc(self, text: str) -> str:
        """Write a time of the scenario for a URL."""
        return self.scenario.instant(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def _http(self) -> TestClient:
        assert self._client is not None, "the gateway is not open"
        return self._client

    def _get(self, path: str) -> Resource:
        answer = self._http.get(path)
        assert answer.status_code == 200, answer.text
        content: Resource = answer.json()
        return content


def by_trial(resources: Iterable[Resource]) -> dict[str, Shown]:
    """Sort verdicts and their criteria by trial."""
    found: dict[str, Shown] = {}
    criteria: dict[str, dict[str, Shown]] = {}
    for one in resources:
        if one["resourceType"] != "Observation":
            continue
        code = one["code"]["coding"][0]
        trial = code["system"].rpartition("/")[2]
        if "hasMember" in one:
            found[trial] = Shown.of(one)
        else:
            criteria.setdefault(trial, {})[code["code"]] = Shown.of(one)
    for trial, verdict in found.items():
        verdict.criteria = criteria[trial]
    return found


def _codes(parts: Iterable[Resource], name: str) -> frozenset[str]:
    coded = (part for part in parts if part["code"]["coding"][0]["code"] == name)
    return frozenset(str(value_of(part)) for part in coded)
