"""Which facts of a record a score can read at one instant, whatever the record holds.

Everything else may be absent: the score, the choices made for it and its flags are the
same. Stays and what is known of the person (birth, sex, death) are not listed: every
evaluation may read them.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import product

from aclf_fhir.evaluation.oxygen import OXYGENATION
from aclf_fhir.evaluation.rules import EvaluationRules
from aclf_fhir.evaluation.snapshot import HINTS
from aclf_fhir.record import FactKind
from aclf_fhir.scores import SCORES
from aclf_fhir.scores.definition import Score, ScoreInput

__all__ = ["Reads", "age_limits", "facts_read"]

Reads = frozenset[tuple[FactKind, str]]
"""Kind and concept of facts."""

_OTHER_INSTANTS = frozenset({"bilirubin_day7", "worst_stage"})
_VENTILATION = frozenset({"ventilation", "mechanical_ventilation"})
_DECOMPENSATION = (
    (FactKind.FINDING, "jaundice"),
    (FactKind.FINDING, "ascites_finding"),
    (FactKind.FINDING, "hepatic_encephalopathy"),
    (FactKind.GRADE, "ascites"),
    (FactKind.GRADE, "he_grade"),
)


def facts_read(score_ids: Iterable[str], rules: EvaluationRules) -> Reads:
    """Return kind and concept of every fact that some scores can read.

    Parameters
    ----------
    score_ids
        Keys of `SCORES`.
    rules
        Which drugs make a result doubtful, which findings imply another.
    """
    found: set[tuple[FactKind, str]] = set()
    for score_id in score_ids:
        for declared in SCORES[score_id].inputs:
            found.update(_of_input(declared, rules))
    return frozenset(found)


def age_limits(score_ids: Iterable[str], rules: EvaluationRules) -> dict[str, timedelta]:
    """Return the analytes of which some scores read nothing older than their age limit.

    That holds where a newer result is there to be judged: `choose` shows the newest one
    that is too old only if it has nothing else to show. Left out are what enters a course
    or a ratio, and all inputs of a score that looks at another instant than its own. A
    creatinine whose code says that it was drawn around dialysis is a sign at any age.
    """
    plain: set[str] = set()
    others = set(OXYGENATION)
    for score in _with_inner(score_ids):
        if any(declared.name in _OTHER_INSTANTS for declared in score.inputs):
            others.update(concept for _, concept in facts_read([score.id], rules))
        others.update(each.concept for each in score.inputs if each.kind == "course")
        plain.update(each.concept for each in score.inputs if each.kind == "analyte")
    return {concept: rules.age_limit(concept) for concept in plain - others}


def _with_inner(score_ids: Iterable[str]) -> Iterator[Score]:
    """Yield scores, and those that they are computed from."""
    for score_id in score_ids:
        yield SCORES[score_id]
        yield from _with_inner(
            declared.concept for declared in SCORES[score_id].inputs if declared.concept in SCORES
        )


def _of_input(declared: ScoreInput, rules: EvaluationRules) -> Iterable[tuple[FactKind, str]]:
    kind, concept = declared.kind, declared.concept
    if concept in SCORES:  # a score, its grade as a finding, its course
        return facts_read([concept], rules)
    if kind == "analyte" or (kind == "supplied" and not declared.values):
        return _of_analyte(concept, rules)
    if kind == "grade":
        hints = [(FactKind.FINDING, HINTS[concept][0])] if concept in HINTS else []
        return [(FactKind.GRADE, concept), *hints]
    if kind == "drug":
        weight = (FactKind.MEASUREMENT, "body_weight")
        return [(FactKind.MEDICATION, concept), weight, _attested("vasopressor", rules)]
    if kind == "course":
        return _of_course(declared, rules)
    if kind == "support":
        return _of_support(concept, rules)
    return _of_finding(concept, rules) if kind in {"finding", "supplied"} else ()


def _of_analyte(concept: str, rules: EvaluationRules) -> Iterator[tuple[FactKind, str]]:
    if concept in OXYGENATION:
        yield from product([FactKind.MEASUREMENT], OXYGENATION)
        return
    yield FactKind.MEASUREMENT, concept
    if concept == "pt_prolongation":
        yield from product([FactKind.MEASUREMENT], ("prothrombin_time", "pt_control"))
    elif concept == "inr":
        yield from product([FactKind.MEDICATION], rules.anticoagulants)
    elif concept == "albumin":
        yield from product([FactKind.MEDICATION], rules.albumin_sources)


def _of_course(declared: ScoreInput, rules: EvaluationRules) -> Iterable[tuple[FactKind, str]]:
    if declared.name == "days_from_jaundice_to_decompensation":
        return _DECOMPENSATION
    found = [*_of_analyte(declared.concept, rules)]
    if declared.name == "bilirubin_day7":
        found.append((FactKind.MEDICATION, "corticosteroid"))
    return found


def _of_support(concept: str, rules: EvaluationRules) -> Iterable[tuple[FactKind, str]]:
    if concept == "renal_replacement":
        return [
            (FactKind.PROCEDURE, concept),
            (FactKind.FINDING, "dialysis_status"),
            (FactKind.MEASUREMENT, "creatinine"),
            _attested(concept, rules),
        ]
    if concept in _VENTILATION:
        return [
            (FactKind.PROCEDURE, "mechanical_ventilation"),
            (FactKind.PROCEDURE, "intubation"),
            (FactKind.GRADE, "ventilation_reason"),
            _attested("mechanical_ventilation", rules),
        ]
    drugs: tuple[str, ...] = (concept,)
    if concept == "vasopressor":
        drugs = rules.vasopressors
    elif concept == "other_vasopressor":
        drugs = rules.other_vasopressors
    elif concept not in rules.vasopressors:
        return _of_finding(concept, rules)
    indication = (FactKind.GRADE, "vasopressor_indication")
    given = product([FactKind.MEDICATION], drugs)
    return [*given, indication, _attested("vasopressor", rules)]


def _of_finding(concept: str, rules: EvaluationRules) -> Iterable[tuple[FactKind, str]]:
    return product([FactKind.FINDING], (concept, *rules.implied_by.get(concept, ())))


def _attested(support: str, rules: EvaluationRules) -> tuple[FactKind, str]:
    return FactKind.ATTESTATION, rules.support_items.get(support, support)
