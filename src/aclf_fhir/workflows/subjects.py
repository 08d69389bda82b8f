"""What a person may do to what the gateway derives: move a ResearchSubject, nothing else."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.fhir import is_sentinel, r4, read_resource
from aclf_fhir.mapping.origin import is_own
from aclf_fhir.mapping.references import literal_reference
from aclf_fhir.mapping.studies import trial_named
from aclf_fhir.publication import STATUS_REASON, research_subject_id
from aclf_fhir.store import Stored, Transaction
from aclf_fhir.trial import life_cycle
from aclf_fhir.workflows.gateway import Gateway

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4 import ResearchSubject
    from aclf_fhir.fhir.r4.datatypes import Extension

__all__ = ["check_arms", "check_move", "check_sole", "check_whose", "status_reason"]

_THE_MACHINES = ("study", "individual", "identifier")
"""Elements that say what the gateway decided, not what a person did."""


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
    if trial is None or (resource.status == life_cycle.MADE and is_own(resource)):
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


def status_reason(subject: "ResearchSubject") -> str | None:
    """Return why a person gave a subject its status, None if nothing is said.

    Raises
    ------
    AclfError
        `invalid` for more than one reason, or one without a code.
    """
    said = [one for one in subject.extension or () if one.url == STATUS_REASON]
    if not said:
        return None
    if len(said) > 1 or not said[0].value_code:
        raise AclfError.of(
            Category.INVALID,
            "ResearchSubject.extension",
            "is not one status-reason with a valueCode",
            "Send the one reason of this move.",
        )
    return said[0].value_code


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
        `forbidden`, `precondition` without If-Match, `conflict` for a move the life cycle
        does not have, `invalid` for one without its reason, or without the day on which the
        study began for the subject.
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
    before = _read(current)
    changed = [name for name in _THE_MACHINES if getattr(before, name) != getattr(resource, name)]
    if _machines_extensions(before) != _machines_extensions(resource):
        changed.append("extension")
    if changed:
        raise AclfError.of(
            Category.FORBIDDEN,
            f"ResearchSubject.{changed[0]}",
            "is the gateway's to write",
            "Send the subject as read, with another status, reason, period or consent.",
        )
    life_cycle.check_move(_status(before), _status(resource), status_reason(resource))
    _check_start(before, resource)


def _machines_extensions(subject: "ResearchSubject") -> "list[Extension]":
    return [one for one in subject.extension or () if one.url != STATUS_REASON]


def _read(stored: Stored) -> "ResearchSubject":
    return cast("ResearchSubject", read_resource(stored.body, "ResearchSubject"))


def _status(subject: "ResearchSubject") -> str:
    return subject.status or ""


def _check_start(before: "ResearchSubject", resource: "ResearchSubject") -> None:
    """Refuse a time zero that is no instant, is missing, or is of somebody never enrolled."""
    start = resource.period.start if resource.period else None
    enrolled = _status(before) not in life_cycle.BEFORE_ENROLMENT and bool(
        before.period and before.period.start
    )
    if start and is_sentinel(start):
        raise AclfError.of(
            Category.INVALID,
            "ResearchSubject.period.start",
            "lies outside the years 1000 to 8999",
            "Send the instant of randomisation.",
        )
    if not start and (enrolled or _status(resource) in life_cycle.ENROLLED):
        raise AclfError.of(
            Category.INVALID,
            "ResearchSubject.period.start",
            "is missing",
            "A subject on study needs the instant of randomisation, from which outcomes count.",
        )
    if start and not enrolled and _status(resource) == "withdrawn":
        raise AclfError.of(
            Category.INVALID,
            "ResearchSubject.period.start",
            "is said of a subject that was never on study",
            "Leave period.start out: outcomes would be counted from it.",
        )


def check_sole(
    tx: Transaction, gateway: Gateway, current: Stored, resource: "ResearchSubject"
) -> None:
    """Refuse to screen or enrol somebody who takes part in another trial of this gateway.

    Raises
    ------
    AclfError
        `conflict`, naming the other trial.
    """
    before = _read(current)
    if not life_cycle.needs_sole_trial(_status(before), _status(resource)):
        return
    subject = (resource.individual.reference or "").removeprefix("Patient/")
    for trial in gateway.catalog.protocols:
        identity = research_subject_id(site=gateway.site, subject=subject, trial=trial)
        other = None if identity == current.id else tx.current(gateway.site, current.type, identity)
        if other is None or other.deleted:
            continue
        if life_cycle.locks_others(_status(_read(other))):
            raise AclfError.of(
                Category.CONFLICT,
                "ResearchSubject.status",
                f"cannot be moved to {resource.status} while the person takes part in {trial}",
                "Nobody is screened for a second trial before the first one is over.",
            )
