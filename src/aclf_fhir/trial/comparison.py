"""What two verdicts of one subject by one protocol say differently, and on what evidence."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest

from aclf_fhir.trial.judgement import Evidence
from aclf_fhir.trial.screen import CriterionResult, Verdict

__all__ = ["Comparison", "CriterionChange", "EvidenceChange", "compare"]


@dataclass(frozen=True, slots=True)
class EvidenceChange:
    """A fact that decides on one side only, or differently on the other.

    Parameters
    ----------
    before, after
        The fact as each side has it; None where that side does without it.
    """

    before: Evidence | None
    after: Evidence | None

    @property
    def kind(self) -> str:
        """How it changed: `added`, `removed` or `changed`."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


@dataclass(frozen=True, slots=True)
class CriterionChange:
    """A criterion that the two verdicts do not see alike.

    Parameters
    ----------
    before, after
        Its result on either side; None where that version of the protocol has no such
        criterion. At least one is there.
    evidence
        What changed of the deciding facts.
    """

    before: CriterionResult | None
    after: CriterionResult | None
    evidence: tuple[EvidenceChange, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two verdicts and what differs between them.

    Parameters
    ----------
    criteria
        Those that differ in outcome, reasons, flags or evidence, in the protocol's order.
    unchanged
        How many do not.
    """

    before: Verdict
    after: Verdict
    criteria: tuple[CriterionChange, ...]
    unchanged: int


def compare(before: Verdict, after: Verdict) -> Comparison:
    """Compare two verdicts of one subject by one protocol, criterion by criterion."""
    old = {one.criterion: one for one in before.criteria}
    new = {one.criterion: one for one in after.criteria}
    pairs = [(old.get(each), new.get(each)) for each in dict.fromkeys((*new, *old))]
    changes = tuple(
        CriterionChange(one, other, evidence)
        for one, other in pairs
        if (evidence := _evidence(one, other)) or _says(one) != _says(other)
    )
    return Comparison(before, after, changes, len(pairs) - len(changes))


def _says(result: CriterionResult | None) -> object:
    return result and (result.outcome, result.passes, result.reasons, result.flags)


def _evidence(
    before: CriterionResult | None, after: CriterionResult | None
) -> tuple[EvidenceChange, ...]:
    old = _by_fact(before.deciding if before else ())
    new = _by_fact(after.deciding if after else ())
    return tuple(
        EvidenceChange(one, other)
        for key in dict.fromkeys((*old, *new))
        for one, other in zip_longest(old.get(key, ()), new.get(key, ()))
        if _shown(one) != _shown(other)
    )


def _by_fact(deciding: Iterable[Evidence]) -> dict[object, list[Evidence]]:
    """Group evidence by the element it was read from, whatever the version."""
    found: dict[object, list[Evidence]] = {}
    for one in deciding:
        source = one.source
        place = (source.type, source.id, source.path) if source else ()
        found.setdefault((one.concept, one.unit, place), []).append(one)
    return found


def _shown(evidence: Evidence | None) -> object:
    """Return what a reader sees of evidence; when it was received follows from its version."""
    return evidence and (
        evidence.source,
        evidence.sent,
        evidence.used,
        evidence.drawn,
        evidence.flags,
        evidence.note,
    )
