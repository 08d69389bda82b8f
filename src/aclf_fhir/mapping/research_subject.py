"""ResearchSubject → participation in a study, one of ours or another.

Of a ResearchSubject the gateway made, only what a person moved counts: its status.
The verdict in its extension is derived and never input. `assignedArm` and `actualArm`
are not read, so that no fact can unblind.
"""

from typing import TYPE_CHECKING

from aclf_fhir.mapping.origin import is_own
from aclf_fhir.mapping.studies import study_of
from aclf_fhir.mapping.subjects import read_subject
from aclf_fhir.mapping.times import check_time, period_span
from aclf_fhir.record import FactKind

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.research_subject import ResearchSubject
    from aclf_fhir.mapping.draft import Draft

__all__ = ["map_research_subject"]

_MACHINE = "potential-candidate"


def map_research_subject(subject: "ResearchSubject", draft: "Draft") -> str:
    """Read one ResearchSubject; return the rule it falls under if nothing is needed of it."""
    if subject.status == _MACHINE and is_own(subject):
        return "own-derived"
    read_subject(draft, subject.individual, "individual")
    study = study_of(subject.study, draft.context)
    identifier = subject.study.identifier
    sent = subject.study.reference or (identifier.value if identifier is not None else None)
    span = period_span(subject.period, draft)
    if span.start is not None:
        check_time(draft, span.start, "period")
    pairs = [("study", sent or "")]
    if subject.consent is not None and subject.consent.reference is not None:
        pairs.append(("consent", subject.consent.reference))
    draft.add(
        FactKind.PARTICIPATION,
        study or sent or "unspecified",
        frozenset({subject.status or "unknown"}),
        path="status",
        start=span.start,
        end=span.end,
        context=[(name, value) for name, value in pairs if value],
    )
    return ""
