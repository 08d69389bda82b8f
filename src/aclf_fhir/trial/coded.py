"""Coded findings and procedures: current, ever, or within a window."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Literal

from aclf_fhir.evaluation import Reason
from aclf_fhir.evaluation.answers import is_held
from aclf_fhir.evaluation.reasons import STATUS_REASONS
from aclf_fhir.record import Fact, FactKind, FactStatus
from aclf_fhir.trial.judgement import Evidence, Judgement, Need, Needs, Outcome, evidence_of
from aclf_fhir.trial.node import UNREAD_NOTE, Node, told_at, unknown
from aclf_fhir.trial.onset import GRADED_AS, Presences, is_sighting, lasts
from aclf_fhir.trial.periods import Period
from aclf_fhir.trial.situation import Situation
from aclf_fhir.units import TimeRange

__all__ = ["Coded", "Past"]

Past = Literal["counts", "review", "ignored"]


_DAY = timedelta(hours=25)
"""The longest calendar day, on which the clocks go back."""


class _Reading(Enum):
    """What one fact says of a notion at an instant."""

    PRESENT = auto()
    DOUBTFUL = auto()
    SEEN = auto()
    PAST = auto()
    ABSENT = auto()
    NOTHING = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded(Node):
    """A notion that codes can prove: a finding, or a procedure.

    Absence of a code proves nothing. `not met` needs a negative finding that is recent
    enough, or a feed that the site declares complete.

    Parameters
    ----------
    kind
        FINDING or PROCEDURE.
    name
        Value set id.
    when
        `current`: not ended at the instant judged. `ever`: at any time before it.
        `window`: began, or was last seen, within `within` before it.
    within
        The window.
    values
        Where the notion carries a value (cause of liver disease): those that count.
    past
        What something over, or known as history only, means: it counts, a person
        must look, or it is ignored. By default it counts for `ever` and `window`
        needs a date.
    onset
        For `window`: True where it must have begun inside, as a Condition says; what was
        only seen inside, or ended there, is for a person to date.
    touching
        True where an event that may lie inside the window counts (bleeding on a day
        that the window touches); what is dated less exactly than to the day does not.
    absent_within
        How old a negative finding may be to clear; None: none clears. A window is
        cleared only by a finding whose period covers it up to that age.
    present_within
        For `current`: how old a positive finding may be. An older one, or one without
        a date, is unknown, unless a negative one that clears is newer. None: it never
        grows old.
    active_counts
        True where a finding still reported as active has no age.
    flag
        Shown with a result that is met, or "".
    """

    kind: FactKind = FactKind.FINDING
    name: str
    when: Literal["current", "ever", "window"] = "current"
    within: Period | None = None
    values: frozenset[str] = frozenset({"present", "done"})
    past: Past = "review"
    onset: bool = False
    touching: bool = False
    absent_within: Period | None = None
    present_within: Period | None = None
    active_counts: bool = False
    flag: str = ""

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield the value set."""
        yield self.kind, self.name

    def unread(self, situation: Situation) -> Iterable[Fact]:
        """Return what was received of this kind, and nobody could read."""
        return situation.unread(self.kind, since=self._since(situation))

    def look(self, situation: Situation) -> Judgement:
        """Read every fact of the notion, then weigh them."""
        facts = situation.facts(self.kind, self.name)
        if not facts and self.name not in situation.rules.complete_feeds:
            return self._nothing([], situation)
        readings = [(fact, *self._read(fact, situation)) for fact in facts]
        present = [fact for fact, reading, _ in readings if reading is _Reading.PRESENT]
        absent = [fact for fact, reading, _ in readings if reading is _Reading.ABSENT]
        doubtful = [(fact, why) for fact, reading, why in readings if reading is _Reading.DOUBTFUL]
        seen = [fact for fact, reading, _ in readings if reading is _Reading.SEEN]
        past = [fact for fact, reading, _ in readings if reading is _Reading.PAST]
        since = self._since(situation)
        if self.onset and present and since is not None:
            earlier = self._presences(present, situation).before(since)
            if earlier:
                # What is coded anew may be what was there all the time.
                known = [*present, *seen]
                present, seen = [], [*(fact for fact in earlier if fact not in known), *known]
        if absent:
            cleared = told_at(absent[-1])
            doubtful = [
                (fact, why)
                for fact, why in doubtful
                if (why is not Reason.STALE and not is_held(fact)) or told_at(fact) >= cleared
            ]
        if present:
            return self._present(present, absent, situation)
        if doubtful:
            return unknown(
                *dict.fromkeys(why for _, why in doubtful),
                needs=self._need(),
                proposal=Outcome.MET,
                evidence=self._evidence([fact for fact, _ in doubtful], situation),
                flags=self._still_active([fact for fact, _ in doubtful], situation),
            )
        if seen:
            return unknown(
                Reason.NEEDS_ATTESTATION,
                needs=self._need(),
                note="When it began is not on record.",
                evidence=self._evidence(seen, situation),
            )
        if absent:
            return Judgement(
                outcome=Outcome.NOT_MET,
                evidence=self._evidence(absent[-1:], situation),
                needs=Needs.settled(Outcome.NOT_MET),
                fresh_until=self._clears_until(absent[-1], situation),
            )
        if situation.feed_complete(self.kind, self.name, since=self._since(situation)):
            note = "No record, and the site declares the feed complete."
            return Judgement(
                outcome=Outcome.NOT_MET,
                evidence=(Evidence(concept=self.name, note=note),),
                needs=Needs.settled(Outcome.NOT_MET),
                note=note,
            )
        return self._nothing(past, situation)

    def _nothing(self, past: list[Fact], situation: Situation) -> Judgement:
        """Return the unknown that an empty file leaves."""
        if past:
            return unknown(
                Reason.OUTSIDE_WINDOW,
                needs=self._need(),
                note="What is on file lies outside the window; that proves no absence inside it.",
                evidence=self._evidence(past, situation),
            )
        unread = situation.unread(self.kind, self.name, since=self._since(situation))
        if unread:
            return unknown(
                Reason.NO_DATA,
                needs=self._need(),
                note=UNREAD_NOTE,
                evidence=self._evidence(list(unread), situation),
            )
        retracted = situation.retracted(self.kind, self.name)
        reason = Reason.RETRACTED if retracted else Reason.NO_DATA
        evidence = self._evidence(list(retracted), situation)
        return unknown(reason, needs=self._need(), evidence=evidence)

    def _present(self, present: list[Fact], absent: list[Fact], situation: Situation) -> Judgement:
        latest = max(told_at(fact) for fact in present)
        newer = [fact for fact in absent if told_at(fact) >= latest]
        if newer and self.when == "current":
            return unknown(
                Reason.CONFLICTING,
                needs=self._need(),
                proposal=Outcome.MET,
                note="A later finding says that it is absent.",
                evidence=self._evidence([*present, *newer], situation),
            )
        return Judgement(
            outcome=Outcome.MET,
            evidence=self._evidence(present, situation),
            flags=frozenset({self.flag} if self.flag else ()),
            needs=Needs.settled(Outcome.MET),
            fresh_until=self._holds_until(present, situation),
        )

    def _need(self) -> Needs:
        return Needs.of(Need("finding", self.name, "investigator"))

    def _evidence(self, facts: list[Fact], situation: Situation) -> tuple[Evidence, ...]:
        return tuple(evidence_of(fact, rules=situation.rules) for fact in facts)

    def _since(self, situation: Situation) -> datetime | None:
        if self.within is None:
            return None
        return self.within.before(situation.at, situation.rules.zone)

    def _read(self, fact: Fact, situation: Situation) -> tuple[_Reading, Reason]:
        """Say what one fact proves at the instant judged."""
        value = fact.value
        if is_held(fact) and not self._over_before(fact, situation):
            return _Reading.DOUBTFUL, Reason.NO_DATA
        if not isinstance(value, frozenset) or "refuted" in fact.qualifiers:
            return _Reading.NOTHING, Reason.NO_DATA
        if fact.status is not FactStatus.USABLE:
            return _Reading.DOUBTFUL, STATUS_REASONS[fact.status]
        if value <= {"absent", "not_done"}:
            return self._read_absent(fact, situation), Reason.NO_DATA
        if not value <= self.values:
            # A value that is not listed, or not settled: a person must say what it means.
            return _Reading.DOUBTFUL, Reason.NEEDS_ATTESTATION
        reading, reason = self._read_time(fact, situation)
        if reading is _Reading.PRESENT:
            if "provisional" in fact.qualifiers:
                return _Reading.DOUBTFUL, Reason.PRELIMINARY
            if fact.qualifiers & {"review", "supporting"}:
                return _Reading.DOUBTFUL, Reason.NEEDS_ATTESTATION
        return reading, reason

    def _over_before(self, fact: Fact, situation: Situation) -> bool:
        """Say whether something lies before the window, all of it."""
        since, last = self._since(situation), fact.end or fact.start
        return since is not None and last is not None and last.latest < since

    def _read_absent(self, fact: Fact, situation: Situation) -> _Reading:
        if self.absent_within is None or fact.start is None:
            return _Reading.NOTHING
        if fact.qualifiers & {"provisional", "review", "supporting"}:
            return _Reading.NOTHING
        since = self.absent_within.before(situation.at, situation.rules.zone)
        certain = since <= fact.start.earliest and fact.start.latest <= situation.at
        if self.when == "window":
            # What was not there at one instant may have been there at another.
            window = self._since(situation)
            certain = (
                window is not None
                and fact.end is not None
                and fact.start.latest <= window
                and since <= fact.end.earliest
            )
        return _Reading.ABSENT if certain else _Reading.NOTHING

    def _read_time(self, fact: Fact, situation: Situation) -> tuple[_Reading, Reason]:
        if self.when == "window":
            return self._read_window(fact, situation)
        if self.present_within is not None and "history" not in fact.qualifiers:
            return self._read_aged(fact, self.present_within, situation)
        over = "history" in fact.qualifiers or (
            fact.end is not None and fact.end.latest < situation.at
        )
        if not over or self.when == "ever" or self.past == "counts":
            return _Reading.PRESENT, Reason.NO_DATA
        if self.past == "review":
            return _Reading.DOUBTFUL, Reason.NEEDS_ATTESTATION
        return _Reading.PAST, Reason.OUTSIDE_WINDOW

    def _read_aged(
        self, fact: Fact, within: Period, situation: Situation
    ) -> tuple[_Reading, Reason]:
        """Say whether a positive finding is recent enough to be one of now."""
        if self._ageless(fact):
            return _Reading.PRESENT, Reason.NO_DATA
        since = within.before(situation.at, situation.rules.zone)
        seen = fact.end or fact.start
        if seen is not None and seen.earliest >= since:
            return _Reading.PRESENT, Reason.NO_DATA
        if seen is None and (fact.recorded is None or fact.recorded >= since):
            return _Reading.DOUBTFUL, Reason.OUTSIDE_WINDOW
        return _Reading.DOUBTFUL, Reason.STALE

    def _ageless(self, fact: Fact) -> bool:
        """Say whether a positive finding goes on until someone ends it."""
        return self.active_counts and "active" in fact.qualifiers and fact.end is None

    def _read_window(self, fact: Fact, situation: Situation) -> tuple[_Reading, Reason]:
        """Place an event in the window by its onset, or by when it was last seen."""
        since, at = self._since(situation), situation.at
        if since is None:
            return _Reading.NOTHING, Reason.NO_DATA
        start, end = fact.start, fact.end
        if start is None:
            # Only a recorded date: the event is no later than that.
            if fact.recorded is not None and fact.recorded < since and not lasts(fact):
                return _Reading.PAST, Reason.OUTSIDE_WINDOW
            return _Reading.DOUBTFUL, Reason.OUTSIDE_WINDOW
        if _only_history(fact) and start.latest >= since:
            # The date is that of the entry; the code says that it is over.
            if self.past == "ignored":
                return _Reading.PAST, Reason.OUTSIDE_WINDOW
            return _Reading.DOUBTFUL, Reason.NEEDS_ATTESTATION
        if self.onset and start.latest < since and end is not None and end.latest >= since:
            return _Reading.SEEN, Reason.NEEDS_ATTESTATION
        # A day that is not over counts if it was on file by now: it had begun.
        begun = start.latest <= at or fact.known <= at
        inside = start.earliest >= since
        if begun and inside and self.onset and is_sighting(fact):
            return _Reading.SEEN, Reason.NEEDS_ATTESTATION
        lasted = end is not None and end.earliest >= since and not self.onset
        if begun and (inside or lasted):
            return _Reading.PRESENT, Reason.NO_DATA
        if start.latest >= since or (end is not None and end.latest >= since):
            touches = start if start.latest >= since or end is None else end
            if self.touching and _to_the_day(touches):
                return _Reading.PRESENT, Reason.NO_DATA
            return _Reading.DOUBTFUL, Reason.OUTSIDE_WINDOW
        if lasts(fact):
            # It began before the window, and nothing says that it was over by then.
            return _Reading.DOUBTFUL, Reason.NEEDS_ATTESTATION
        return _Reading.PAST, Reason.OUTSIDE_WINDOW

    def _presences(self, onsets: list[Fact], situation: Situation) -> Presences:
        facts = situation.facts(self.kind, self.name)
        scale = GRADED_AS.get(self.name)
        grades = situation.facts(FactKind.GRADE, scale) if scale else ()
        return Presences((*facts, *grades), onsets)

    def _still_active(self, doubtful: list[Fact], situation: Situation) -> frozenset[str]:
        """Flag what began before the window and has no end."""
        since = self._since(situation)
        lasting = since is not None and any(
            lasts(fact) and fact.start is not None and fact.start.latest < since
            for fact in doubtful
        )
        return frozenset({"still_active"} if lasting and self.when == "window" else ())

    def _holds_until(self, present: list[Fact], situation: Situation) -> datetime | None:
        """Return until when the newest event stays in the window, or recent enough."""
        zone, within = situation.rules.zone, self.present_within
        if within is not None:
            seen = [fact.end or fact.start for fact in present if not self._ageless(fact)]
            dated = [within.after(time.earliest, zone) for time in seen if time is not None]
            return max(dated) if len(dated) == len(present) else None
        since = self._since(situation)
        if self.within is None or since is None:
            return None
        if self.onset:
            # The last onset leaves the window, or something in it will lie before it.
            onset = max(fact.start.earliest for fact in present if fact.start is not None)
            earlier = self._presences(present, situation).from_(since)
            return self.within.after(min([onset, *earlier]), zone)
        ends = [
            self.within.after((fact.end or fact.start).latest, zone)
            for fact in present
            if fact.start is not None and (fact.end or fact.start) is not None
        ]
        return max(ends, default=None)

    def _clears_until(self, fact: Fact, situation: Situation) -> datetime | None:
        within, start, zone = self.absent_within, fact.start, situation.rules.zone
        if self.when == "window":
            start = fact.end
        return within.after(start.earliest, zone) if within and start else None


def _only_history(fact: Fact) -> bool:
    """Say whether the code itself, or a remission, makes something past."""
    if "history" not in fact.qualifiers:
        return False
    remission = ("clinical_status", "remission") in fact.context
    return remission or not fact.qualifiers & {"definite", "supporting", "review"}


def _to_the_day(time: TimeRange) -> bool:
    return time.latest - time.earliest <= _DAY
