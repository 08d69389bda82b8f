"""Reads the scenarios: base patients, what each one changes, and the steps by the clock."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aclf_fhir.catalog.yaml_text import read_yaml

FOLDER = Path(__file__).parent / "scenarios"

_SECTIONS = (
    "person",
    "results",
    "grades",
    "tests",
    "diagnoses",
    "procedures",
    "drugs",
    "answers",
    "consent",
    "studies",
)
_PATIENT = {"says", "like", "learnt", "when", "asked", "without", *_SECTIONS}
_SCENARIO = {"id", "says", "like", "patient", "without", "site", "zone", "steps"}
_STEP = {"at", "says", "learn", "correct", "withdraw", "move", "new_rules"}
_STEP |= {"expect", "published", "looking_back"}

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario, its base patient filled in."""

    id: str
    says: str
    site: str
    zone: ZoneInfo
    learnt: str
    when: str
    asked: str
    patient: Tree
    steps: list[Tree] = field(repr=False)

    def instant(self, text: str) -> datetime:
        """Read a time of the scenario; without an offset it is that of its zone."""
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=self.zone)


def scenarios() -> Iterator[Scenario]:
    """Yield every scenario of the folder, file by file."""
    files = {path.stem: _load(path) for path in sorted(FOLDER.glob("*.yaml"))}
    patients: Tree = {}
    for content in files.values():
        patients |= content.get("patients", {})
    for name, content in files.items():
        for told in content.get("scenarios", ()):
            yield _scenario(told, patients, name)


def base_patient(name: str) -> Scenario:
    """Return a base patient as a scenario in which nothing happens."""
    patients: Tree = _load(FOLDER / "base.yaml")["patients"]
    return _scenario({"id": name, "says": "", "like": name, "steps": []}, patients, "base")


def _load(path: Path) -> Tree:
    content, issues = read_yaml(path.read_text(encoding="utf-8"), file=path.name)
    if issues or not isinstance(content, dict):
        raise ValueError(f"{path.name}: {issues}")
    return content


def _scenario(told: Tree, patients: Tree, file: str) -> Scenario:
    where = f"{file}: {told.get('id')}"
    _known(told, _SCENARIO, where)
    for step in told["steps"]:
        _known(step, _STEP, f"{where}: {step.get('at')}")
    base = _patient(told["like"], patients)
    changes = told.get("patient", {})
    _known(changes, _PATIENT - {"like", "without"}, where)
    patient = _merged(_without(base, told.get("without", ()), where), changes)
    return Scenario(
        id=told["id"],
        says=told["says"],
        site=told.get("site", "default"),
        zone=ZoneInfo(told.get("zone", "UTC")),
        learnt=patient["learnt"],
        when=patient.get("when", patient["learnt"]),
        asked=patient.get("asked", patient["learnt"]),
        patient={section: patient[section] for section in _SECTIONS if section in patient},
        steps=told["steps"],
    )


def _patient(name: str, patients: Tree) -> Tree:
    """Return a base patient, one that is itself like another filled in."""
    told = patients[name]
    _known(told, _PATIENT, name)
    if "like" not in told:
        return dict(told)
    base = _without(_patient(told["like"], patients), told.get("without", ()), name)
    return _merged(base, {key: told[key] for key in told if key not in {"like", "without"}})


def _without(patient: Tree, paths: list[str], where: str) -> Tree:
    """Leave out what is named by section and name, `results.INR`."""
    for path in paths:
        section, _, name = path.partition(".")
        study, _, item = name.partition(".")
        # An answer is named with its study, `answers.nct03668171.copd`.
        inner = {study: {**patient[section][study]}} if item else {}
        removed = inner[study].pop(item, None) if item else patient[section].get(name)
        if removed is None:
            raise ValueError(f"{where}: the patient has no {path}")
        rest = {key: value for key, value in patient[section].items() if item or key != name}
        patient = {**patient, section: {**rest, **inner}}
    return patient


def _merged(base: Tree, changes: Tree) -> Tree:
    merged = dict(base)
    for key, value in changes.items():
        inner = merged.get(key)
        merged[key] = _merged(inner, value) if isinstance(inner, dict) else value
    return merged


def _known(told: Mapping[str, Any], names: set[str], where: str) -> None:
    if unknown := set(told) - names:
        raise ValueError(f"{where}: nobody knows {sorted(unknown)}")
