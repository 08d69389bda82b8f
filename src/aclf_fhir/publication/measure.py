"""The pooled outcomes of a trial: a Measure, and its MeasureReport with counts only."""

from collections.abc import Mapping
from datetime import datetime

from aclf_fhir.codes import CANONICAL_BASE, Coding
from aclf_fhir.publication.derived import Derived, Json
from aclf_fhir.publication.elements import Members, compact, concept, local, meta
from aclf_fhir.publication.trial_content import ANSWERS, protocol_code, protocol_system
from aclf_fhir.trial.models import OutcomeDefinition, Protocol

__all__ = ["measure", "measure_report"]

_POPULATION = "http://terminology.hl7.org/CodeSystem/measure-population"
_SCORING = Coding("http://terminology.hl7.org/CodeSystem/measure-scoring", "cohort")
_FHIRPATH = "text/fhirpath"
_KINDS = ("yes", "no", "unknown")


def measure(protocol: Protocol) -> tuple[Derived, ...]:
    """Write the Measure of a protocol's outcomes; none if it has no outcomes.

    All arms are pooled: neither the Measure nor its report has a place for an arm.
    """
    if not protocol.outcomes:
        return ()
    resource = compact(
        resourceType="Measure",
        id=_id(protocol),
        meta=meta(),
        url=_url(protocol),
        version=protocol.version,
        name=f"{protocol.id.upper().replace('-', '_')}_outcomes",
        title=f"{protocol.short_title}: outcomes, pooled",
        status="active",
        subjectCodeableConcept={"coding": [_resource_type("ResearchSubject")]},
        date=protocol.effective,
        scoring=concept(_SCORING),
        group=[_defined(protocol, outcome) for outcome in protocol.outcomes],
    )
    return (Derived.of(resource),)


def measure_report(
    protocol: Protocol,
    counts: Mapping[str, Mapping[str, int]],
    *,
    start: datetime | None,
    end: datetime,
) -> Derived:
    """Write the one pooled report of a trial.

    Parameters
    ----------
    protocol
        The trial.
    counts
        By outcome id: how many subjects on study have `yes`, `no`, `unknown`. An outcome
        without counts has none of each.
    start, end
        What the report covers. Take both from the data (first time zero, last instant of
        evidence) and not from the clock: the same outcomes then give the same report.
    """
    resource = compact(
        resourceType="MeasureReport",
        id=_id(protocol),
        meta=meta(),
        status="complete",
        type="summary",
        measure=f"{_url(protocol)}|{protocol.version}",
        # By the day: the first enrolment is one person's, whose period the zone leaves out.
        period=compact(start=_day(start) if start else None, end=_day(end)),
        group=[
            _counted(protocol, outcome, counts.get(outcome.id, {})) for outcome in protocol.outcomes
        ],
    )
    return Derived.of(resource)


def _day(instant: datetime) -> str:
    return instant.date().isoformat()


def _id(protocol: Protocol) -> str:
    return f"{protocol.id}-outcomes"


def _url(protocol: Protocol) -> str:
    return f"{CANONICAL_BASE}/Measure/{_id(protocol)}"


def _resource_type(name: str) -> Json:
    return {"system": "http://hl7.org/fhir/resource-types", "code": name}


def _defined(protocol: Protocol, outcome: OutcomeDefinition) -> Members:
    observation = f"Observation.where(code.coding.exists({_is(protocol, outcome)}))"
    criteria = {
        "yes": f"{observation}.value.coding.exists(code = '{ANSWERS['yes'].code}')",
        "no": f"{observation}.value.coding.exists(code = '{ANSWERS['no'].code}')",
        "unknown": f"{observation}.dataAbsentReason.exists()",
    }
    everybody = f"{observation}.exists()"
    return compact(
        code=protocol_code(protocol.id, outcome.id, outcome.title),
        description=outcome.text,
        population=[
            _population(None, criteria=_expression(everybody)),
            *(_population(kind, criteria=_expression(criteria[kind])) for kind in _KINDS),
        ],
    )


def _is(protocol: Protocol, outcome: OutcomeDefinition) -> str:
    return f"system = '{protocol_system(protocol.id)}' and code = '{outcome.id}'"


def _expression(text: str) -> Members:
    return {"language": _FHIRPATH, "expression": text}


def _counted(protocol: Protocol, outcome: OutcomeDefinition, counts: Mapping[str, int]) -> Members:
    numbers = {kind: counts.get(kind, 0) for kind in _KINDS}
    return compact(
        code=protocol_code(protocol.id, outcome.id, outcome.title),
        population=[
            _population(None, count=sum(numbers.values())),
            *(_population(kind, count=number) for kind, number in numbers.items()),
        ],
    )


def _population(kind: str | None, **more: Json) -> Members:
    """Write one population: everybody on study, or those with one answer."""
    code: Coding | Members = Coding(_POPULATION, "initial-population")
    if kind is not None:
        code = local("answers", kind)
    return compact(code=concept(code), **more)
