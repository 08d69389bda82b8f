"""One table of all patients, read from a gateway the way a trial system would read it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec
from rich.table import Table

from aclf_fhir.cli.console import results
from aclf_fhir.codes import local_system
from aclf_fhir.remote import FhirServer
from aclf_fhir.trial.life_cycle import BEFORE_ENROLMENT, MADE

__all__ = ["Row", "overview", "print_overview"]

SCORES = (
    ("meld_optn", "MELD"),
    ("meld_3_0", "MELD 3.0"),
    ("child_pugh", "Child-Pugh"),
    ("clif_c_of", "CLIF-C OF"),
    ("easl_clif_aclf_grade", "ACLF grade"),
)
_COMPONENTS = local_system("components")
_ROUNDS = 60
_SHOWN = 3
"""Missing facts per trial in the table."""


@dataclass(slots=True)
class Row:
    """What is known of one patient.

    Parameters
    ----------
    last
        Instant of the newest score.
    scores
        Value and T of the newest Observation per score.
    verdicts, missing, outcomes
        By trial.
    statuses
        Of the ResearchSubject, by trial.
    judged
        T of the verdict, by trial.
    frozen
        The day at which a start on study has fixed the verdict, by trial.
    """

    patient: str
    name: str = ""
    scores: dict[str, tuple[str, str]] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)
    outcomes: dict[str, list[str]] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    judged: dict[str, str] = field(default_factory=dict)
    frozen: dict[str, str] = field(default_factory=dict)

    @property
    def last(self) -> str:
        """Instant of the newest score."""
        return max((at for _, at in self.scores.values()), default="")


def overview(server: FhirServer) -> list[Row]:
    """Read patients, newest scores, verdicts, subjects and outcomes."""
    rows = {
        patient["id"]: Row(patient["id"], _name(patient))
        for patient in _search(server, "Patient", {})
    }
    for row in rows.values():
        for score, observation in _newest(server, row.patient).items():
            row.scores[score] = (_value(observation), observation["effectiveDateTime"])
    for kind, take in (("verdict", _take_verdict), ("outcome", _take_outcome)):
        category = f"{local_system('categories')}|{kind}"
        for observation in _search(server, "Observation", {"category": category}):
            take(rows, observation)
    for subject in _search(server, "ResearchSubject", {}):
        one = rows.get(_id(subject["individual"]))
        if one is not None:
            trial = _id(subject["study"])
            one.statuses[trial] = subject["status"]
            if subject["status"] not in BEFORE_ENROLMENT and subject.get("period", {}).get("start"):
                one.frozen[trial] = one.judged.get(trial, "")[:10]
    return sorted(rows.values(), key=lambda row: row.patient)


def print_overview(rows: list[Row]) -> None:
    """Print the table."""
    trials = sorted({trial for row in rows for trial in (*row.verdicts, *row.statuses)})
    table = Table(title="As of each patient's last result", show_lines=True)
    for column in ("patient", "last score", *(title for _, title in SCORES)):
        table.add_column(column, overflow="fold")
    for trial in trials:
        table.add_column(trial, overflow="fold")
    table.add_column("missing next", overflow="fold", min_width=30)
    table.add_column("outcome", overflow="fold", min_width=25)
    for row in rows:
        table.add_row(
            f"{row.patient}\n{row.name}".strip(),
            row.last[:10],
            *(row.scores.get(score, ("–", ""))[0] for score, _ in SCORES),
            *(_verdict(row, trial) for trial in trials),
            _joined({trial: _first(needs) for trial, needs in row.missing.items()}, trials),
            _joined(row.outcomes, trials),
        )
    results().print(table, markup=False)


def _verdict(row: Row, trial: str) -> str:
    """Show the machine's verdict, and the status a person has given.

    A start on study freezes the verdict: its day then says that it is not of the last result.
    """
    status = row.statuses.get(trial, "")
    moved = "" if status == MADE else status
    verdict = row.verdicts.get(trial, "–")
    frozen = row.frozen.get(trial, "")
    lines = (verdict, f"on {frozen}" if frozen else "", moved)
    return "\n".join(line for line in lines if line)


def _first(needs: list[str]) -> list[str]:
    """Show the first few; the verdict itself has them all."""
    more = len(needs) - _SHOWN
    return [*needs[:_SHOWN], f"and {more} more"] if more > 0 else needs


def _need(component: dict[str, Any]) -> str:
    """Name a missing fact by its concept, as the extension beside the text does."""
    for one in component.get("extension", ()):
        for part in one.get("extension", ()):
            if part["url"] == "concept":
                return str(part["valueCode"])
    return str(component["valueString"])


def _joined(texts: dict[str, list[str]], trials: list[str]) -> str:
    return "\n".join(f"{trial}: {'; '.join(texts[trial])}" for trial in trials if texts.get(trial))


def _take_verdict(rows: dict[str, Row], observation: dict[str, Any]) -> None:
    row, trial = rows.get(_id(observation["subject"])), _study(observation)
    if row is not None:
        row.verdicts[trial] = _value(observation)
        row.judged[trial] = observation.get("effectiveDateTime", "")
        row.missing[trial] = [
            _need(component)
            for component in observation.get("component", ())
            if _code(component["code"], _COMPONENTS) == "missing-next"
        ]


def _take_outcome(rows: dict[str, Row], observation: dict[str, Any]) -> None:
    row, trial = rows.get(_id(observation["subject"])), _study(observation)
    if row is not None:
        name = observation["code"].get("text") or observation["code"]["coding"][0]["code"]
        row.outcomes.setdefault(trial, []).append(f"{name}: {_value(observation)}")


def _value(observation: dict[str, Any]) -> str:
    """Say a value in a few words: a number with its class, a code, or why there is none."""
    if "valueQuantity" in observation:
        text = str(observation["valueQuantity"]["value"])
        classes = [_text(one) for one in observation.get("interpretation", ())]
        return f"{text} ({', '.join(classes)})" if classes else text
    if "valueCodeableConcept" in observation:
        return _text(observation["valueCodeableConcept"])
    if "valueBoolean" in observation:
        return "yes" if observation["valueBoolean"] else "no"
    for component in observation.get("component", ()):
        if _code(component["code"], _COMPONENTS) == "rounded-bounds" and "valueRange" in component:
            ends = component["valueRange"]
            return f"{ends['low']['value']}–{ends['high']['value']}?"
    possible = [
        _text(component["valueCodeableConcept"])
        for component in observation.get("component", ())
        if _code(component["code"], _COMPONENTS) == "possible"
    ]
    return f"{possible[0]}–{possible[-1]}?" if possible else "unknown"


def _text(concept: dict[str, Any]) -> str:
    return str(concept.get("text") or concept["coding"][0]["code"])


def _code(concept: dict[str, Any], system: str) -> str:
    codes = [one["code"] for one in concept.get("coding", ()) if one.get("system") == system]
    return codes[0] if codes else ""


def _study(observation: dict[str, Any]) -> str:
    references = [
        one["valueReference"]
        for one in observation.get("extension", ())
        if "valueReference" in one and "researchStudy" in one["url"]
    ]
    return _id(references[0]) if references else ""


def _name(patient: dict[str, Any]) -> str:
    for name in patient.get("name", ()):
        parts = [*name.get("given", ()), name.get("family", "")]
        return str(name.get("text") or " ".join(parts).strip())
    return ""


def _id(reference: dict[str, Any]) -> str:
    return str(reference.get("reference", "")).partition("/")[2]


def _newest(server: FhirServer, patient: str) -> dict[str, dict[str, Any]]:
    """Return the newest Observation that still stands of each score that has one."""
    system = local_system("scores")
    asked = {
        "patient": patient,
        "code": ",".join(f"{system}|{score}" for score, _ in SCORES),
        "status:not": "entered-in-error",
        "_sort": "-date",
        "_total": "none",
    }
    newest: dict[str, dict[str, Any]] = {}
    for observation in _search(server, "Observation", asked, count=2 * len(SCORES)):
        newest.setdefault(_code(observation["code"], system), observation)
        if len(newest) == len(SCORES):
            break
    return newest


def _search(
    server: FhirServer, type_: str, parameters: dict[str, str], count: int = 500
) -> Iterator[dict[str, Any]]:
    """Yield the matches of all pages, once nothing is waiting for its evaluation."""
    path = f"{type_}?{urlencode({**parameters, '_count': count})}"
    for _ in range(_ROUNDS):
        bundle = _page(server, path)
        if all(entry["search"]["mode"] != "outcome" for entry in bundle.get("entry", ())):
            break
    while True:
        for entry in bundle.get("entry", ()):
            if entry["search"]["mode"] == "match":
                yield entry["resource"]
        following = [one["url"] for one in bundle["link"] if one["relation"] == "next"]
        if not following:
            return
        bundle = _page(server, following[0].removeprefix(f"{server.base}/"))


def _page(server: FhirServer, path: str) -> dict[str, Any]:
    answer = server.expect(server.request("GET", path))
    page: dict[str, Any] = msgspec.json.decode(answer.body)
    return page
