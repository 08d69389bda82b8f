"""The life cycle of a ResearchSubject: which move of its status a person may make, and why.

The codes are R4's research-subject-status. The machine makes a subject as
`potential-candidate` and moves nothing. Steps of the screening may be skipped, because the
gateway learns late what happened on paper; steps of the study may not. Who was turned down
comes back by being screened again; `off-study` and `withdrawn` are final.
"""

from collections.abc import Mapping

from aclf_fhir.errors import AclfError, Category

__all__ = [
    "BEFORE_ENROLMENT",
    "CONSENT_WITHDRAWN",
    "ENROLLED",
    "MADE",
    "MOVES",
    "REASONS",
    "check_move",
    "ends_consent",
    "locks_others",
    "needs_reason",
    "needs_sole_trial",
]

MADE = "potential-candidate"
"""The status the machine gives a subject; no move leads to it."""

CONSENT_WITHDRAWN = "consent-withdrawn"
"""The reason that ends publication, whatever the status."""

_SCREENED = (MADE, "candidate", "screening", "eligible")
_TURNED_DOWN = ("ineligible", "not-registered")
_WAITING = "pending-on-study"
_ON_STUDY = ("on-study", "on-study-intervention", "on-study-observation")
_LEFT = ("off-study", "withdrawn")

_OUT = frozenset({*_TURNED_DOWN, "withdrawn"})
_IN = frozenset({_WAITING, *_ON_STUDY})
_SOLE = frozenset({"screening", "eligible"}) | _IN

MOVES: Mapping[str, frozenset[str]] = {
    MADE: frozenset({"candidate", "screening", "eligible"}) | _IN | _OUT,
    "candidate": frozenset({"screening", "eligible"}) | _IN | _OUT,
    "screening": frozenset({"eligible"}) | _IN | _OUT,
    "eligible": _IN | _OUT,
    _WAITING: frozenset({*_ON_STUDY}) | _OUT,
    "ineligible": frozenset({"screening", "withdrawn"}),
    "not-registered": frozenset({"screening", "withdrawn"}),
    "on-study": frozenset(
        {"on-study-intervention", "on-study-observation", "follow-up", "off-study", "withdrawn"}
    ),
    "on-study-intervention": frozenset(
        {"on-study-observation", "follow-up", "off-study", "withdrawn"}
    ),
    "on-study-observation": frozenset(
        {"on-study-intervention", "follow-up", "off-study", "withdrawn"}
    ),
    "follow-up": frozenset({"off-study", "withdrawn"}),
    "off-study": frozenset(),
    "withdrawn": frozenset(),
}
"""By status, those that it may be moved to."""

BEFORE_ENROLMENT = frozenset({*_SCREENED, *_TURNED_DOWN, _WAITING})
"""The status of people who have not been enrolled."""

ENROLLED = frozenset({*_ON_STUDY, "follow-up"})
"""The status of people who are on study, from randomisation to the end of follow-up."""

REASONS: Mapping[str, frozenset[str]] = {
    "screening": frozenset({"new-results", "decided-in-error", "other-study-ended"}),
    "ineligible": frozenset({"criterion-failed", "investigator-decision", "died"}),
    "not-registered": frozenset(
        {
            "consent-declined",
            "other-study",
            "recruitment-closed",
            "transferred",
            "investigator-decision",
            "died",
        }
    ),
    "off-study": frozenset(
        {
            "completed",
            "died",
            "transplanted",
            "lost-to-follow-up",
            "adverse-event",
            CONSENT_WITHDRAWN,
            "investigator-decision",
            "sponsor-decision",
        }
    ),
    "withdrawn": frozenset({CONSENT_WITHDRAWN, "subject-decision", "investigator-decision"}),
}
"""By status, the reasons it may be given for; `screening` has one only when it is repeated."""


def needs_reason(before: str, after: str) -> bool:
    """Say whether a move must name a reason: out of the study, or back into screening."""
    return after in _TURNED_DOWN or after in _LEFT or (after != before and before in _TURNED_DOWN)


def needs_sole_trial(before: str, after: str) -> bool:
    """Say whether a move is only for people who are in no other trial: into screening or later."""
    return after != before and before in BEFORE_ENROLMENT and after in _SOLE


def locks_others(status: str) -> bool:
    """Say whether somebody of this status takes part, and may not be screened elsewhere."""
    return status == _WAITING or status in ENROLLED


def ends_consent(status: str, reason: str | None) -> bool:
    """Say whether a person took the subject out because consent is no more."""
    return status == "withdrawn" or reason == CONSENT_WITHDRAWN


def check_move(before: str, after: str, reason: str | None) -> None:
    """Refuse a move that the life cycle does not have, or that has not its reason.

    Parameters
    ----------
    before, after
        ResearchSubject.status as stored and as sent. They may be alike: a person then
        writes something else, or puts another reason.
    reason
        Code of the reason sent, None if there is none.

    Raises
    ------
    AclfError
        `conflict` for an illegal move; `invalid` for a reason that is missing, that is none
        of the status, or that was left behind by an earlier move.
    """
    if after != before and after not in MOVES[before]:
        legal = ", ".join(sorted(MOVES[before])) or "nothing: it is final"
        raise AclfError.of(
            Category.CONFLICT,
            "ResearchSubject.status",
            f"cannot be moved from {before} to {after}",
            f"From {before} it moves to {legal}.",
        )
    needed = needs_reason(before, after)
    known = REASONS.get(after, frozenset()) if needed or after == before else frozenset()
    if reason is None and not needed:
        return
    if reason is None or reason not in known:
        raise AclfError.of(
            Category.INVALID,
            "ResearchSubject.extension",
            f"has no reason that goes with {after}",
            f"Send status-reason as one of {', '.join(sorted(known))}."
            if known
            else "Leave status-reason out: this move has no reason.",
        )
