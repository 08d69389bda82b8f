"""What a laboratory or a person supplies: a control time, an index, points of another score."""

from datetime import datetime

from aclf_fhir.evaluation.choice import Choice, choose
from aclf_fhir.evaluation.reasons import Reason
from aclf_fhir.evaluation.rules import EvaluationRules
from aclf_fhir.record import FactKind, Record
from aclf_fhir.units import Interval

__all__ = ["choose_prolongation", "choose_supplied"]

_CONTROL = "pt_control"


def choose_supplied(
    record: Record,
    concept: str,
    rules: EvaluationRules,
    *,
    at: datetime,
    name: str,
    unit: str = "",
) -> Choice:
    """Choose what was sent with the results, else what the site declares once, flagged."""
    if concept in rules.analytes:
        sent = choose(
            record,
            FactKind.MEASUREMENT,
            concept,
            rules=rules,
            unit=unit,
            name=name,
            at=at,
        )
        if sent.fact is not None or sent.reason is Reason.CONFLICTING:
            return sent
    declared = rules.constants.get(concept)
    if declared is None:
        why, reason = "neither sent nor declared by the site", Reason.NO_DATA
        return Choice(input=name, concept=concept, unit=unit, why=why, reason=reason)
    return Choice(
        input=name,
        concept=concept,
        value=Interval.exact(declared),
        unit=unit,
        why="declared by the site",
        flags=frozenset({f"{concept}_of_site"}),
    )


def choose_prolongation(
    record: Record, time: Choice, rules: EvaluationRules, *, at: datetime, name: str
) -> Choice:
    """Choose the prothrombin time over the control of the same laboratory, in seconds."""
    control = choose_supplied(record, _CONTROL, rules, at=at, name=_CONTROL, unit="s")
    value, over = time.value, control.value
    if not isinstance(value, Interval) or not isinstance(over, Interval):
        lacking = control if isinstance(value, Interval) else time
        return Choice(
            input=name,
            concept=lacking.concept,
            unit="s",
            why=lacking.why,
            reason=lacking.reason,
            passed_over=lacking.passed_over,
        )
    return Choice(
        input=name,
        concept=time.concept,
        fact=time.fact,
        value=Interval(
            None if value.low is None or over.high is None else value.low - over.high,
            None if value.high is None or over.low is None else value.high - over.low,
            value.low_closed and over.high_closed,
            value.high_closed and over.low_closed,
        ),
        unit="s",
        age=time.age,
        why=f"prothrombin time over the control {'sent' if control.fact else 'of the site'}",
        also=control.facts,
        passed_over=time.passed_over,
        flags=time.flags | control.flags,
        fresh_until=time.fresh_until,
    )
