"""Scores and verdicts from files, nothing stored: what `aclf-fhir score` and `screen` do."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from aclf_fhir.batch.rejects import Rejected
from aclf_fhir.batch.sending import Progress
from aclf_fhir.batch.sources import Sources
from aclf_fhir.catalog import Catalog
from aclf_fhir.errors import AclfError, Category
from aclf_fhir.evaluation import ScoreEvaluation
from aclf_fhir.mapping.models import Disposition
from aclf_fhir.record import Record
from aclf_fhir.trial import Verdict
from aclf_fhir.workflows.plotting import plot_record
from aclf_fhir.workflows.screening import (
    AskedInstant,
    given_in,
    record_for,
    score_record,
    screen_record,
    sought_by,
)
from aclf_fhir.workflows.stateless import Gathered, Given, gather

__all__ = ["Asked", "Reading", "picture_of", "read_facts", "scores_of", "verdicts_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """By whose rules, for which instant, with the knowledge up to when, about whom.

    Parameters
    ----------
    catalog, site
        The rules.
    as_of, known_at, now
        The clocks.
    patient
        Logical id of the one Patient that is asked for, None for all.
    """

    catalog: Catalog
    site: str
    as_of: AskedInstant
    known_at: datetime
    now: datetime
    patient: str | None = None


@dataclass(slots=True)
class Reading:
    """The facts of a set of files.

    Parameters
    ----------
    gathered
        Facts by subject.
    dispositions, held
        How resources ended, and how many are held for which reason.
    """

    gathered: Gathered
    dispositions: Counter[Disposition] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)

    def subjects(self, asked: Asked) -> list[str]:
        """Return whom the answer is about.

        Raises
        ------
        AclfError
            `not_found` if the files hold nothing about the Patient asked for.
        """
        if asked.patient is None:
            return sorted(self.gathered.facts)
        if asked.patient not in self.gathered.facts:
            raise AclfError.of(
                Category.NOT_FOUND, "--patient", "The files hold no Patient of that id."
            )
        return [asked.patient]


def read_facts(
    sources: Sources, asked: Asked, progress: Progress, scores: Sequence[str] | None = None
) -> Reading:
    """Map resources to facts; what is no valid R4 goes to the rejects of the sources.

    Where scores are named, only what may bear on them is read (`screening.sought_by`).
    """
    gathered = gather(
        _given(sources, progress),
        catalog=asked.catalog,
        site=asked.site,
        received=asked.now,
        sought=sought_by(
            scores,
            catalog=asked.catalog,
            site=asked.site,
            as_of=asked.as_of,
            known_at=asked.known_at,
            now=asked.now,
        ),
    )
    for refused in gathered.refused:
        sources.rejects.records.append(Rejected.of(refused.given.location, refused.issues))
    return Reading(
        gathered,
        gathered.dispositions,
        Counter(str(holding.reason) for _, holding in gathered.holdings),
    )


def scores_of(
    reading: Reading, asked: Asked, scores: Sequence[str] | None
) -> Iterator[tuple[str, tuple[ScoreEvaluation, ...]]]:
    """Compute the scores of one subject after the other."""
    for subject in reading.subjects(asked):
        record = _record(reading, asked, subject)
        yield subject, score_record(record, scores, catalog=asked.catalog, site=asked.site)


def picture_of(reading: Reading, asked: Asked, scores: Sequence[str] | None) -> bytes:
    """Draw the scores of one subject over time.

    Raises
    ------
    AclfError
        `invalid` if the answer is about several subjects, or nobody.
    """
    subjects = reading.subjects(asked)
    if len(subjects) != 1:
        raise AclfError.of(
            Category.INVALID,
            "--plot",
            f"A picture is of one Patient; the files hold {len(subjects)}.",
            "Name one with --patient.",
        )
    record = _record(reading, asked, subjects[0])
    return plot_record(record, scores, catalog=asked.catalog, site=asked.site)


def verdicts_of(
    reading: Reading, asked: Asked, trials: Sequence[str] | None
) -> Iterator[tuple[str, tuple[Verdict, ...]]]:
    """Screen one subject after the other."""
    for subject in reading.subjects(asked):
        record = _record(reading, asked, subject)
        yield subject, screen_record(record, trials, catalog=asked.catalog, site=asked.site)


def _record(reading: Reading, asked: Asked, subject: str) -> Record:
    return record_for(
        subject,
        reading.gathered.facts[subject],
        as_of=asked.as_of,
        known_at=asked.known_at,
        now=asked.now,
    )


def _given(sources: Sources, progress: Progress) -> Iterator[Given]:
    total = len(sources.items)
    for done, item in enumerate(sources.items, 1):
        body = item.read()
        if item.type == "Bundle":
            try:
                entries = given_in(body)
            except AclfError as error:
                sources.rejects.add(item.place, error)
                entries = ()
            for entry in entries:
                yield replace(entry, location=f"{item.place} {entry.location}")
        else:
            yield Given(body, item.place)
        progress(done, total)
