"""What a person may do to what the gateway derives: move a ResearchSubject, nothing else."""

from collections.abc import Mapping
from typing import Any

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.fhir import is_sentinel, r4, read_resource
from aclf_fhir.mapping.origin import is_own
from aclf_fhir.mapping.references import literal_reference
from aclf_fhir.mapping.studies import trial_named
from aclf_fhir.publication import research_subject_id
from aclf_fhir.store import Stored

__all__ = ["check_arms", "check_move", "check_whose"]

_THE_MACHINES = ("study", "individual", "extension", "identifier")
"""Elements that say what the gateway decided, not what a person did."""

_UNMOVED = "potential-candidate"
"""The status the machine gives; every other one is a person's."""

_NEEDS_START = frozenset({"on-study", "on-study-intervention", "on-study-observation"})


def check_arms(resource: Any, trials: Mapping[str, str]) -> None:
    """Refuse the allocation of a subject of one of our trials, whoever sends it.

    Parameters
    ----------
    trials
        Trial id by every name a study is known by.

    Raises
    ------
    AclfError
        `unsupported`: this zone keeps no allocation.
    """
    if not isinstance(resource, r4.ResearchSubject):
        return
    if (resource.assigned_arm or resource.actual_arm) and trial_named(resource.study, trials):
        raise AclfError.of(
            Category.UNSUPPORTED,
            "ResearchSubject.assignedArm",
            "allocation is not kept in this zone",
            "Leave assignedArm and actualArm out.",
        )


def check_whose(resource: Any, trials: Mapping[str, str], *, site: str) -> None:
    """Refuse a subject of one of our trials that is not the gateway's own.

    A person enrols by moving the subject that carries the verdict. Beside it, another one
    would say that somebody is on study whom no outcome and no report knows. A mere copy of
    what the gateway made may come back: it is never input.

    Parameters
    ----------
    resource
        What the client sent, under an id that is not the gateway's.
    trials
        Trial id by every name a study is known by.
    site
        Whose feed it is.

    Raises
    ------
    AclfError
        `conflict`, naming the subject to move.
    """
    if not isinstance(resource, r4.ResearchSubject):
        return
    trial = trial_named(resource.study, trials)
    if trial is None or (resource.status == _UNMOVED and is_own(resource)):
        return
    named = (literal_reference(resource.individual) or "").removeprefix("Patient/")
    path = "ResearchSubject"
    if named and "/" not in named:
        path += f"/{research_subject_id(site=site, subject=named, trial=trial)}"
    raise AclfError.of(
        Category.CONFLICT,
        "ResearchSubject.study",
        "is a trial of this gateway, which keeps one subject per person itself",
        f"GET and PUT {path} with If-Match to move it; it is made at the first verdict that is"
        " not ineligible.",
    )


def check_move(current: Stored, resource: Any, *, if_match: str | None) -> None:
    """Refuse every change of a derived resource but a person's move of a subject.

    Parameters
    ----------
    current
        The derived resource as stored.
    resource
        What the client sent in its place.
    if_match
        Version the client decided on; required, so that nobody moves a subject
        whose verdict has changed in the meantime.

    Raises
    ------
    AclfError
        `forbidden`, `precondition` without If-Match, `invalid` for a subject on study
        without the day it began.
    """
    if not isinstance(resource, r4.ResearchSubject):
        raise AclfError.of(
            Category.FORBIDDEN,
            current.type,
            "is derived by the gateway and cannot be written",
            "Correct the resource it was derived from.",
        )
    if if_match is None:
        raise AclfError.of(
            Category.PRECONDITION,
            "ResearchSubject",
            "If-Match is missing",
            "Read the subject, decide, and send the version you read as If-Match.",
        )
    before = read_resource(current.body, "ResearchSubject")
    for element in _THE_MACHINES:
        if getattr(before, element) != getattr(resource, element):
            raise AclfError.of(
                Category.FORBIDDEN,
                f"ResearchSubject.{element}",
                "is the gateway's to write",
                "Send the subject as read, with another status, period or consent.",
            )
    start = resource.period.start if resource.period else None
    if start and is_sentinel(start):
        raise AclfError.of(
            Category.INVALID,
            "ResearchSubject.period.start",
            "lies outside the years 1000 to 8999",
            "Send the instant of randomisation.",
        )
    if resource.status in _NEEDS_START and not start:
        raise AclfError.of(
            Category.INVALID,
            "ResearchSubject.period.start",
            "is missing",
            "A subject on study needs the instant of randomisation, from which outcomes count.",
        )
