"""FamilyMemberHistory → hereditary cancer in the family."""

from typing import TYPE_CHECKING

from aclf_fhir.mapping.codings import as_evidence, codings_of, describe, read_notions
from aclf_fhir.mapping.models import HeldReason, Strength
from aclf_fhir.mapping.subjects import read_subject
from aclf_fhir.mapping.times import read_recorded
from aclf_fhir.record import FactKind, FactStatus

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.family_member_history import FamilyMemberHistory
    from aclf_fhir.mapping.draft import Draft

__all__ = ["map_family_member_history"]

_KINDS = frozenset({FactKind.FINDING})
_HEREDITARY = "hereditary_cancer"
_CANCER = ("malignancy", "liver_cancer", "malignancy_history")


def map_family_member_history(history: "FamilyMemberHistory", draft: "Draft") -> str:
    """Read one family history; return the rule it falls under if nothing is needed of it.

    A syndrome code in a relative bears on the criterion as its value set says. Cancer
    in a relative is not proof of heredity: a person must look (trials.md §4.2 X4).
    """
    if history.status == "health-unknown":
        return "family-history-without-use"
    stated: list[tuple[int, str, tuple[str, ...]]] = []
    for index, condition in enumerate(history.condition or ()):
        codings = codings_of(condition.code)
        notions = read_notions(codings, draft.context, _KINDS)
        path = f"condition[{index}].code"
        if notions.contradiction:
            draft.hold(HeldReason.CONTRADICTING_CODES, path, notions.contradiction)
        elif _HEREDITARY in notions.found:
            strength = notions.found[_HEREDITARY].strength
            stated.append((index, strength.value, as_evidence(codings)))
        elif any(concept in notions.found for concept in _CANCER):
            stated.append((index, Strength.REVIEW.value, as_evidence(codings)))
        elif not (notions.found or notions.covered or notions.set_aside):
            draft.hold(HeldReason.UNMAPPED_CODE, path, describe(codings))
    if not stated and not draft.holdings:
        return "family-history-without-use"
    read_subject(draft, history.patient, "patient")
    if history.status is None:
        draft.status = FactStatus.PRELIMINARY
    recorded = read_recorded(history.date, draft)
    draft.shared = tuple(
        sorted({("relationship", str(coding)) for coding in codings_of(history.relationship)})
    )
    for index, strength_value, codes in stated:
        draft.add(
            FactKind.FINDING,
            _HEREDITARY,
            frozenset({"present"}),
            path=f"condition[{index}].code",
            recorded=recorded,
            qualifiers=frozenset({"family", strength_value}),
            codes=codes,
        )
    return ""
