"""ResearchSubject → participation in a study, one of ours or another.

Of a ResearchSubject the gateway made, only what a person moved counts: its status.
The verdict in its extension is derived and never input. `assignedArm` and `actualArm`
are not read, so that no fact can unblind. Of another study only its category is read:
an observational one does not rule a trial out by itself.
"""

from typing import TYPE_CHECKING

from aclf_fhir.mapping.origin import is_own
from aclf_fhir.mapping.references import find_resource
from aclf_fhir.mapping.studies import study_of
from aclf_fhir.mapping.subjects import read_subject
from aclf_fhir.mapping.times import check_time, period_span
from aclf_fhir.record import FactKind

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.research_study import ResearchStudy
    from aclf_fhir.fhir.r4.research_subject import ResearchSubject
    from aclf_fhir.mapping.draft import Draft

__all__ = ["map_research_subject"]

_OBSERVATIONAL = frozenset({"observational", "observational study"})
# R4 binds no codes to ResearchStudy.category: registries write the word.
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
    observational = study is None and _is_observational(
        find_resource(subject.study, subject, draft)
    )
    draft.add(
        FactKind.PARTICIPATION,
        study or sent or "unspecified",
        frozenset({subject.status or "unknown"}),
        path="status",
        start=span.start,
        end=span.end,
        qualifiers=frozenset({"observational"} if observational else ()),
        context=[(name, value) for name, value in pairs if value],
    )
    return ""


def _is_observational(resource: object) -> bool:
    """Say whether every category of a study, in its own words, is observational."""
    if type(resource).__name__ != "ResearchStudy":
        return False
    study: ResearchStudy = resource  # type: ignore[assignment] # its name says that it is a ResearchStudy
    categories = [
        {
            text.strip().lower()
            for text in (
                category.text,
                *(
                    text
                    for coding in category.coding or ()
                    for text in (coding.code, coding.display)
                ),
            )
            if text
        }
        for category in study.category or ()
    ]
    return bool(categories) and all(words & _OBSERVATIONAL for words in categories)
