"""Worked cases of a case file, judged by the criterion that carries their id.

There is no second implementation: the inputs of a case become facts, the facts a
record, and the same criterion that screens patients judges it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.evaluation import EvaluationRules
from aclf_fhir.record import Fact, FactKind, Record, SentValue, SourceVersion
from aclf_fhir.trial.combined import AllOf, AnyOf
from aclf_fhir.trial.judgement import DECIDED, Outcome
from aclf_fhir.trial.measured import Lab
from aclf_fhir.trial.models import Criterion, OutcomeDefinition, Protocol, Remission
from aclf_fhir.trial.node import Node
from aclf_fhir.trial.person import Age
from aclf_fhir.trial.scored import ScoreLimit
from aclf_fhir.trial.situation import Situation
from aclf_fhir.units import Interval, TimeRange

__all__ = ["evaluate_case", "find_case"]

_NOON = datetime(2024, 6, 15, 12, tzinfo=UTC)
# Keys of the case format that are not themselves ids of the catalog, with the unit a
# plain number has.
_NAMES: Mapping[str, tuple[str, str]] = {
    "bilirubin": ("bilirubin_total", ""),
    "afp": ("alpha_fetoprotein", ""),
    "inr": ("inr", "{INR}"),
    "pta_percent": ("prothrombin_activity", "%"),
    "pt_s": ("prothrombin_time", "s"),
    "map": ("mean_arterial_pressure", "mm[Hg]"),
    "spo2": ("spo2", "%"),
    "fio2": ("fio2", "1"),
}
_SUPPORTS = frozenset({"dialysis", "rrt"})


class _Unusable(Exception):  # noqa: N818 - an input is unusable; nothing went wrong
    """An input of a case that the case file expects to be refused."""

    def __init__(self, reason: str, name: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.name = name


def _nodes(protocol: Protocol) -> Iterator[Node]:
    for criterion in protocol.criteria:
        yield from _with_case(criterion)
    for outcome in protocol.outcomes:
        yield from _with_case(outcome)


def _with_case(holder: Criterion | OutcomeDefinition | Node) -> Iterator[Node]:
    if isinstance(holder, Node):
        yield from holder.walk()
    elif isinstance(holder, Criterion):
        yield from holder.nodes()
    elif isinstance(holder, Remission):
        yield from holder.node.walk()


def find_case(
    protocols: Iterable[Protocol], case_id: str, inputs: Mapping[str, Any]
) -> tuple[Protocol, Node] | None:
    """Find the criterion that implements a case's rule.

    Parameters
    ----------
    protocols
        Every protocol of the catalog.
    case_id
        The `score` of the case.
    inputs
        Its inputs; a `range` tells criteria of one rule apart.

    Returns
    -------
    tuple[Protocol, Node] | None
        None if no protocol has such a criterion.
    """
    for protocol in protocols:
        for node in _nodes(protocol):
            if node.case == case_id and _fits(node, inputs):
                return protocol, node
    return None


def _fits(node: Node, inputs: Mapping[str, Any]) -> bool:
    limits = inputs.get("range")
    if limits is None or not isinstance(node, Age):
        return True
    return [node.minimum, node.maximum] == [int(limit) for limit in limits]


def evaluate_case(
    protocol: Protocol,
    criterion: Criterion | OutcomeDefinition | Node,
    inputs: Mapping[str, Any],
    rules: EvaluationRules,
) -> dict[str, object]:
    """Judge a case's inputs.

    Parameters
    ----------
    protocol
        The protocol the criterion belongs to.
    criterion
        The criterion, the outcome or the part of one that carries a case id.
    inputs
        As in the case file: `{value, unit}` objects, plain numbers, `series`,
        `birth_date` with `on`.
    rules
        Unit tables; a support that a case does not name is documented as absent.

    Returns
    -------
    dict[str, object]
        `status`, `value`, `met` (true only for met) and what the criterion adds
        (`rounded`, `daily_rise`, `rounding_sensitive`, `bilirubin_ok` …); for an
        error `reason` and `field`; for an indeterminate case `missing`.
    """
    node = next((each for each in _with_case(criterion) if each.case), None)
    if node is None:
        raise AclfError.of(Category.NOT_FOUND, protocol.id, "the criterion carries no case id")
    at = _instant(inputs)
    try:
        facts = tuple(_facts(node, inputs, rules, at))
    except _Unusable as unusable:
        return {"status": "error", "reason": unusable.reason, "field": unusable.name}
    rules = replace(rules, complete_feeds=rules.complete_feeds | {"renal_replacement"})
    record = Record.of("case", facts, as_of=at, known_at=at)
    situation = Situation(record, rules, study=protocol.id, items=protocol.items)
    found = node.judge(situation)
    if isinstance(node, ScoreLimit):
        result = situation.scored(node.name, node.max_span).result
        if result.status == "error":
            field = result.details.get("field")
            return {"status": "error", "reason": result.reason, "field": field}
        if found.outcome not in DECIDED:
            return {"status": "indeterminate", "missing": list(result.missing)}
    elif found.outcome not in DECIDED:
        missing = list(dict.fromkeys(_missing(node, situation)))
        if missing:
            return {"status": "indeterminate", "missing": missing}
    met = found.outcome is Outcome.MET
    hidden = {"concept", "value"}
    details = {name: what for name, what in found.details.items() if name not in hidden}
    return {"status": "ok", "value": found.details.get("value", met), "met": met, **details}


def _missing(node: Node, situation: Situation) -> Iterator[str]:
    """Yield what was not given, as the case file names it.

    Of alternatives one that was measured is enough: case files call that `met: false`.
    """
    if isinstance(node, AnyOf):
        found = [list(_missing(each, situation)) for each in node.nodes]
        if all(found):
            yield from (name for names in found for name in names)
    elif isinstance(node, AllOf):
        for each in node.nodes:
            yield from _missing(each, situation)
    else:
        judged = node.judge(situation)
        if judged.outcome not in DECIDED and not any(e.fact for e in judged.evidence):
            keys = {concept: key for key, (concept, _) in _NAMES.items()}
            yield from (keys.get(concept, concept) for _, concept in node.references())


def _instant(inputs: Mapping[str, Any]) -> datetime:
    on = inputs.get("on")
    if on is None:
        return _NOON
    day = date.fromisoformat(str(on))
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def _fact(kind: FactKind, concept: str, at: datetime, **rest: Any) -> Fact:
    return Fact(
        subject="case",
        kind=kind,
        concept=concept,
        start=TimeRange.exact(at),
        known=at,
        source=SourceVersion("Basic", f"{kind}-{concept}-{at:%j%H%M}", 1),
        **rest,
    )


def _facts(
    node: Node, inputs: Mapping[str, Any], rules: EvaluationRules, at: datetime
) -> Iterator[Fact]:
    for name, given in inputs.items():
        if name in {"on", "range", "uln"} or given is None:
            continue
        if name == "series":
            yield from _series(node, given, rules, at)
        elif name == "birth_date":
            born = datetime.combine(date.fromisoformat(str(given)), datetime.min.time(), rules.zone)
            day = TimeRange(born, born + timedelta(hours=23))
            yield _fact(FactKind.DEMOGRAPHIC, "birth_date", at, value=day)
        elif name in _SUPPORTS:
            if given:
                for days in (1, 3):
                    yield _fact(
                        FactKind.PROCEDURE,
                        "renal_replacement",
                        at - timedelta(days=days),
                        value=frozenset({"done"}),
                    )
        elif name in rules.scales:
            grade = Interval.exact(_decimal(given))
            yield _fact(FactKind.GRADE, name, at, value=grade)
        else:
            concept, unit = _NAMES.get(name, (name, ""))
            yield _measured(node, name, concept, given, unit, inputs.get("uln"), rules, at)


def _decimal(value: object) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _series(
    node: Node, series: list[Mapping[str, Any]], rules: EvaluationRules, at: datetime
) -> Iterator[Fact]:
    """Place a series so that its last value is drawn at the instant judged."""
    concept = next(id_ for part in node.walk() for kind, id_ in part.references())
    last = max(_decimal(each["hours"]) for each in series)
    for each in series:
        before = timedelta(seconds=int((last - _decimal(each["hours"])) * 3600))
        yield _measured(node, "series", concept, each, "", None, rules, at - before)


def _measured(
    node: Node,
    name: str,
    concept: str,
    given: object,
    unit: str,
    upper: Mapping[str, Any] | None,
    rules: EvaluationRules,
    at: datetime,
) -> Fact:
    analyte = rules.analytes.get(concept)
    if analyte is None:
        raise AclfError.of(Category.UNSUPPORTED, name, f"{name!r} is no input of this criterion")
    number, ucum = _quantity(given, unit, name)
    table = analyte.units
    if ucum not in table.factors:
        raise _Unusable("unsupported_unit", name)
    high = None
    if upper is not None and any(
        isinstance(part, Lab) and part.times_upper_limit and part.name == concept
        for part in node.walk()
    ):
        limit, limit_unit = _quantity(upper, "", "uln")
        if limit_unit not in table.factors:
            raise _Unusable("unsupported_unit", "uln")
        high = table.convert(limit, limit_unit, table.canonical)
    return _fact(
        FactKind.MEASUREMENT,
        concept,
        at,
        value=table.convert(number, ucum, table.canonical),
        unit=table.canonical,
        sent=SentValue(str(number.low or number.high), ucum, number, ucum),
        reference_high=high,
    )


def _quantity(given: object, unit: str, name: str) -> tuple[Interval, str]:
    """Read a value with its unit; a missing unit is an error, never a guess."""
    if not isinstance(given, Mapping):
        return Interval.exact(_decimal(given)), unit
    if not given.get("unit"):
        raise _Unusable("missing_unit", name)
    value, comparator = _decimal(given["value"]), given.get("comparator")
    number = Interval.from_comparator(comparator, value) if comparator else Interval.exact(value)
    return number, str(given["unit"])
