"""Worked cases of a case file, judged by the criterion that carries their id.

There is no second implementation: the inputs of a case become facts, the facts a
record, and the same criterion that screens patients judges it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.evaluation import EvaluationRules, Reason
from aclf_fhir.fhir import parse_date
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
from aclf_fhir.units.quantity import UnitTable

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
        Its inputs; a `range` sets the limits of a criterion on age.

    Returns
    -------
    tuple[Protocol, Node] | None
        None if no protocol has such a criterion.
    """
    for protocol in protocols:
        for node in _nodes(protocol):
            if node.case == case_id:
                return protocol, _within(node, inputs.get("range"))
    return None


def _within(node: Node, limits: Sequence[Any] | None) -> Node:
    """Give a criterion on age the limits a case sets, since its id names no trial."""
    if limits is None or not isinstance(node, Age):
        return node
    low, high = (None if limit is None else int(limit) for limit in limits)
    return replace(node, minimum=low, maximum=high)


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
        if missing or Reason.COMPARATOR_STRADDLES in found.reasons:
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
        if judged.outcome in DECIDED:
            return
        facts = [each.fact for each in judged.evidence if each.fact is not None]
        if not facts:
            keys = {concept: key for key, (concept, _) in _NAMES.items()}
            yield from ["birth_date"] if isinstance(node, Age) else []
            yield from (keys.get(concept, concept) for _, concept in node.references())
        elif isinstance(node, Lab) and node.times_upper_limit and facts[0].reference_high is None:
            yield "uln"


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
            born = parse_date(str(given), rules.zone)
            yield _fact(FactKind.DEMOGRAPHIC, "birth_date", at, value=born)
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
            yield from _measured(node, name, concept, given, unit, inputs.get("uln"), rules, at)


def _decimal(value: object) -> Decimal:
    try:
        return value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation as error:
        raise AclfError.of(Category.INVALID, "", f"{value!r} is not a number") from error


def _series(
    node: Node, series: list[Mapping[str, Any]], rules: EvaluationRules, at: datetime
) -> Iterator[Fact]:
    """Place a series so that its last value is drawn at the instant judged."""
    concept = next(id_ for part in node.walk() for kind, id_ in part.references())
    last = max((_decimal(each["hours"]) for each in series), default=Decimal(0))
    for each in series:
        before = timedelta(seconds=int((last - _decimal(each["hours"])) * 3600))
        yield from _measured(node, "series", concept, each, "", None, rules, at - before)


def _measured(
    node: Node,
    name: str,
    concept: str,
    given: object,
    unit: str,
    upper: Mapping[str, Any] | None,
    rules: EvaluationRules,
    at: datetime,
) -> Iterator[Fact]:
    """Yield a measurement, if the criteria of protocols know the analyte and there is a value.

    A case may describe more of a patient than one criterion asks for.
    """
    analyte = rules.analytes.get(concept)
    if analyte is None or (isinstance(given, Mapping) and given.get("value") is None):
        return
    table = analyte.units
    number, ucum = _quantity(given, unit, name, table)
    value = table.convert(number, ucum, table.canonical)
    low, high = analyte.plausible.low, analyte.plausible.high
    below = low is not None and value.at_least(low) == "false"
    if below or (high is not None and value.above(high) == "true"):
        positive = value.high is None or value.high > 0
        raise _Unusable("out_of_range" if positive else "non_positive_input", name)
    upper_limit = None
    if upper is not None and any(
        isinstance(part, Lab) and part.times_upper_limit and part.name == concept
        for part in node.walk()
    ):
        limit, limit_unit = _quantity(upper, "", "uln", table)
        upper_limit = table.convert(limit, limit_unit, table.canonical)
    yield _fact(
        FactKind.MEASUREMENT,
        concept,
        at,
        value=value,
        unit=table.canonical,
        sent=SentValue(str(number.low or number.high), ucum, number, ucum),
        reference_high=upper_limit,
    )


def _quantity(given: object, unit: str, name: str, table: UnitTable) -> tuple[Interval, str]:
    """Read a value with its unit; a missing unit is an error, never a guess."""
    sent = given if isinstance(given, Mapping) else {"value": given, "unit": unit}
    spelling = str(sent.get("unit") or "")
    if not spelling and not table.unitless:
        raise _Unusable("missing_unit", name)
    try:
        ucum = table.read(spelling).ucum
    except AclfError as error:
        raise _Unusable("unsupported_unit", name) from error
    value, comparator = _decimal(sent["value"]), str(sent.get("comparator") or "")
    number = Interval.from_comparator(comparator, value) if comparator else Interval.exact(value)
    return number, ucum
