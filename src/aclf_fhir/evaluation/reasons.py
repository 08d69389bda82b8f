"""The closed list of reasons for which something stays unknown."""

from enum import StrEnum

from aclf_fhir.record import FactStatus

__all__ = ["REASONS", "STATUS_REASONS", "Reason"]


class Reason(StrEnum):
    """Why a value, a criterion or an outcome is unknown."""

    NO_DATA = "no-data"
    """Nothing on file, or a final result without a value."""
    STALE = "stale"
    """The newest usable value is older than its age limit."""
    OUTSIDE_WINDOW = "outside-window"
    """It cannot be placed inside the window, or the inputs lie too far apart."""
    PRELIMINARY = "preliminary"
    """Only a preliminary result or a provisional diagnosis."""
    UNIT_MISSING = "unit-missing"
    UNIT_NOT_CONVERTIBLE = "unit-not-convertible"
    COMPARATOR_STRADDLES = "comparator-straddles"
    """The value is known only as a range, and the limit lies inside it."""
    CONFLICTING = "conflicting"
    ONLY_ONE_OF_A_PAIR = "only-one-of-a-pair"
    DEFINITION_OPEN = "definition-open"
    """The protocol's text does not define it; see its question register."""
    NEEDS_ATTESTATION = "needs-attestation"
    RETRACTED = "retracted"


REASONS: frozenset[str] = frozenset(Reason)
"""The list as text."""

STATUS_REASONS: dict[FactStatus, Reason] = {
    FactStatus.PRELIMINARY: Reason.PRELIMINARY,
    FactStatus.CONFLICTING: Reason.CONFLICTING,
    FactStatus.NO_VALUE: Reason.NO_DATA,
    FactStatus.RETRACTED: Reason.RETRACTED,
}
"""What a fact that is not usable explains."""
