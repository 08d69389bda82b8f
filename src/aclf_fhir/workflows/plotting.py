"""The time line of a subject's scores as a picture, from stored facts or from a record."""

from collections.abc import Sequence
from datetime import datetime

from aclf_fhir.catalog import Catalog
from aclf_fhir.errors import AclfError, Category
from aclf_fhir.record import Record
from aclf_fhir.scores import SCORES
from aclf_fhir.workflows.gateway import Gateway, rules_of
from aclf_fhir.workflows.screening import AskedInstant, known_names, stored_record
from aclf_fhir.workflows.timeline import Timeline, timeline_of

__all__ = ["draw_timeline", "plot_record", "plot_stored"]


def plot_stored(
    gateway: Gateway,
    subject: str,
    scores: Sequence[str] | None = None,
    *,
    as_of: AskedInstant,
    known_at: datetime | None = None,
) -> bytes:
    """Answer `Patient/{id}/$score-timeline`: one SVG document.

    Raises
    ------
    AclfError
        `not_found` for an unknown patient or score, `unsupported` without the
        plotting library.
    """
    record = stored_record(gateway, subject, as_of=as_of, known_at=known_at)
    return plot_record(record, scores, catalog=gateway.catalog, site=gateway.site)


def plot_record(
    record: Record, scores: Sequence[str] | None, *, catalog: Catalog, site: str
) -> bytes:
    """Draw the time line of a record; of the scores that protocols name if none is named.

    Raises
    ------
    AclfError
        `not_found` for an unknown score, `unsupported` without the plotting library.
    """
    protocols = catalog.protocols
    named = [score for protocol in protocols.values() for score in protocol.scores]
    wanted = known_names(scores, SCORES, "score") if scores else tuple(dict.fromkeys(named))
    rules = rules_of(catalog, site)
    return draw_timeline(timeline_of(record, wanted, rules=rules, protocols=protocols))


def draw_timeline(timeline: Timeline) -> bytes:
    """Draw a time line, if the plotting library is there.

    Raises
    ------
    AclfError
        `unsupported` if it is not.
    """
    try:
        from aclf_fhir.workflows.timeline_drawing import draw_svg
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise AclfError.of(
            Category.UNSUPPORTED,
            "plot",
            "Pictures need the plotting library, which is not installed here.",
            "Install the extra `plot`: pip install 'aclf-fhir[plot]'.",
        ) from None
    return draw_svg(timeline)
