"""`$screen-diff`: what two pairs of clocks make of one stored subject, side by side."""

from collections.abc import Sequence
from datetime import datetime

from aclf_fhir.publication import comparison_parameters
from aclf_fhir.trial.comparison import compare
from aclf_fhir.workflows.gateway import Gateway
from aclf_fhir.workflows.screening import AskedInstant, screen_record, stored_record

__all__ = ["compare_stored"]


def compare_stored(
    gateway: Gateway,
    subject: str,
    trials: Sequence[str] | None = None,
    *,
    as_of: AskedInstant,
    known_at: datetime | None = None,
    other_as_of: AskedInstant | None = None,
    other_known_at: datetime | None = None,
) -> bytes:
    """Answer `Patient/{id}/$screen-diff`: a Parameters resource.

    Parameters
    ----------
    as_of, known_at
        T and K of the verdict before.
    other_as_of, other_known_at
        T and K of the verdict after. Without them it is the same T with all that is
        known: what has been learnt since.

    Raises
    ------
    AclfError
        `not_found` for an unknown patient or trial.
    """
    before = stored_record(gateway, subject, as_of=as_of, known_at=known_at)
    after = stored_record(
        gateway,
        subject,
        as_of=before.as_of if other_as_of is None else other_as_of,
        known_at=other_known_at,
    )
    old = screen_record(before, trials, catalog=gateway.catalog, site=gateway.site)
    new = screen_record(after, trials, catalog=gateway.catalog, site=gateway.site)
    return comparison_parameters(map(compare, old, new))
