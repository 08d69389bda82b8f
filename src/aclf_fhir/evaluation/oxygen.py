"""Oxygenation: a pressure or a saturation counts only with the FiO2 of the same hour."""

from datetime import datetime

from aclf_fhir.evaluation.choice import Choice, Window, choose
from aclf_fhir.evaluation.reasons import Reason
from aclf_fhir.evaluation.rules import EvaluationRules
from aclf_fhir.record import Fact, FactKind, Record

__all__ = ["OXYGENATION", "choose_oxygenation", "not_arterial"]

OXYGENATION = ("pao2", "spo2", "fio2", "pao2_fio2")
_UNITS = {"pao2": "mm[Hg]", "spo2": "%", "fio2": "1", "pao2_fio2": "mm[Hg]"}
_ORDER = ("pao2", "pao2_fio2", "spo2")
_SPARED = {
    concept: Choice(
        input=concept,
        concept=concept,
        unit=_UNITS[concept],
        why="a better source of the ratio was taken",
    )
    for concept in OXYGENATION
}


def _chosen(
    record: Record,
    concept: str,
    rules: EvaluationRules,
    at: datetime,
    window: Window | None = None,
) -> Choice:
    if concept not in rules.analytes:
        reason = Reason.NO_DATA
        return Choice(input=concept, concept=concept, why=reason, reason=reason)
    unit = _UNITS[concept]
    return choose(
        record,
        FactKind.MEASUREMENT,
        concept,
        rules=rules,
        unit=unit,
        at=at,
        window=window,
        refuse=not_arterial if concept == "pao2" else lambda _: "",
    )


def not_arterial(fact: Fact) -> str:
    """Say why a gas is not taken for an arterial one, "" if it is."""
    return "not arterial" if fact.qualifiers & {"venous", "capillary"} else ""


def choose_oxygenation(
    record: Record, rules: EvaluationRules, *, at: datetime | None = None
) -> dict[str, Choice]:
    """Choose the inputs of the respiratory ratio, best evidence first.

    Order (respiratory ratio of CLIF scores): PaO2 with its FiO2, a ratio reported as
    such, SpO2 with its FiO2. Room air is 0.21 only where it was recorded. What is not
    taken stays missing, so that a score never mixes two moments.
    """
    at = record.as_of if at is None else at
    chosen: dict[str, Choice] = {}
    for numerator in _ORDER:
        found = chosen[numerator] = _chosen(record, numerator, rules, at)
        if found.fact is None or found.fact.start is None:
            continue
        if numerator == "pao2_fio2":
            return {**_SPARED, "pao2_fio2": found}
        drawn = found.fact.start.latest
        window = Window(drawn - rules.pairing, min(drawn + rules.pairing, at), drawn)
        fraction = _chosen(record, "fio2", rules, at, window)
        if fraction.fact is not None:
            return {**_SPARED, numerator: found, "fio2": fraction}
    chosen["fio2"] = _chosen(record, "fio2", rules, at)
    return {concept: _unpaired(choice) for concept, choice in chosen.items()}


def _unpaired(choice: Choice) -> Choice:
    """Turn a value without its partner into a missing one."""
    if choice.fact is None:
        return choice
    reason = Reason.ONLY_ONE_OF_A_PAIR
    return Choice(
        input=choice.input,
        concept=choice.concept,
        unit=choice.unit,
        why="nothing to pair it with within the hour",
        reason=reason,
        passed_over=tuple((fact, str(reason)) for fact in choice.facts),
    )
