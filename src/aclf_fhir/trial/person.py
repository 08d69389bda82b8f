"""Age, sex, consent and participation in other studies."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from aclf_fhir.evaluation import Reason
from aclf_fhir.evaluation.person import usable_fact
from aclf_fhir.evaluation.reasons import STATUS_REASONS
from aclf_fhir.record import Fact, FactKind, FactStatus
from aclf_fhir.trial.judgement import (
    DECIDED,
    Distance,
    Judgement,
    Need,
    Needs,
    Outcome,
    evidence_of,
    evidence_of_choice,
)
from aclf_fhir.trial.measured import Limits
from aclf_fhir.trial.node import Node, of_truth, truth_of, unknown
from aclf_fhir.trial.periods import Period
from aclf_fhir.trial.situation import ENDED, Situation
from aclf_fhir.units import Interval

__all__ = ["Age", "Consent", "GradeAtConsent", "Participation", "Sex", "consent_has_ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Age(Node):
    """Age in completed years, both ends included."""

    minimum: int | None = None
    maximum: int | None = None

    def look(self, situation: Situation) -> Judgement:
        """Count completed years on the day judged, in the site's time zone."""
        choice = situation.snapshot.age()
        need = Need("demographic", "birth_date", "registration")
        if not isinstance(choice.value, Interval):
            return unknown(choice.reason or Reason.NO_DATA, needs=Needs.of(need))
        low = None if self.minimum is None else Decimal(self.minimum)
        high = None if self.maximum is None else Decimal(self.maximum)
        outcome = of_truth(truth_of(choice.value, minimum=low, maximum=high))
        decided = outcome in DECIDED
        years = choice.value.value
        distance = None
        if years is not None:
            limits = [limit for limit in (low, high) if limit is not None]
            nearest = min(limits, key=lambda limit: abs(years - limit))
            distance = Distance(years - nearest, "a", nearest)
        return Judgement(
            outcome=outcome,
            reasons=() if decided else (Reason.COMPARATOR_STRADDLES,),
            evidence=evidence_of_choice(choice, situation.rules),
            distance=distance,
            flags=choice.flags if not decided else choice.flags - {"birth_date_partial"},
            needs=Needs.settled(outcome) if decided else Needs.of(need),
            fresh_until=choice.fresh_until,
            details={"concept": "age", "value": years},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sex(Node):
    """Sex, where a criterion applies to one only.

    Administrative gender never rules the other sex out: "not this sex" needs a sex
    recorded at birth, and nothing on file that contradicts it, however provisional.

    Parameters
    ----------
    name
        `female` or `male`.
    contradicted_by
        Findings of the sex asked for (pregnancy).
    contradicted_by_labs
        Analytes that are not as high in the other sex (hCG): the limit and its unit.
    """

    name: str
    contradicted_by: tuple[str, ...] = ()
    contradicted_by_labs: Mapping[str, tuple[Decimal, str]] = field(default_factory=dict)

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield the contradicting findings and analytes."""
        for name in self.contradicted_by:
            yield FactKind.FINDING, name
        for name in self.contradicted_by_labs:
            yield "analyte", name

    def look(self, situation: Situation) -> Judgement:
        """Compare with the sex recorded at birth."""
        record, rules = situation.record, situation.rules
        need = Needs.of(Need("demographic", "birth_sex", "registration"))
        born = usable_fact(record, FactKind.DEMOGRAPHIC, "birth_sex")
        gender = usable_fact(record, FactKind.DEMOGRAPHIC, "sex")
        against = [*self._findings(situation), *self._labs(situation)]
        told = [fact for fact in (born, gender) if fact is not None]
        evidence = tuple(evidence_of(fact, rules=rules) for fact in (*told, *against))
        wanted = frozenset({self.name})
        known = born.value if born is not None else gender.value if gender is not None else None
        if known == wanted:
            return Judgement(
                outcome=Outcome.MET, evidence=evidence, needs=Needs.settled(Outcome.MET)
            )
        if (
            born is None
            or not isinstance(born.value, frozenset)
            or not born.value
            <= {
                "male",
                "female",
            }
        ):
            reason = Reason.NO_DATA if gender is None or born is not None else Reason.CONFLICTING
            found = unknown(reason, needs=need, note="The sex at birth is not recorded.")
            return replace(found, evidence=evidence)
        if against:
            found = unknown(Reason.CONFLICTING, needs=need)
            return replace(found, evidence=evidence)
        return Judgement(
            outcome=Outcome.NOT_MET, evidence=evidence, needs=Needs.settled(Outcome.NOT_MET)
        )

    def _findings(self, situation: Situation) -> Iterator[Fact]:
        for name in self.contradicted_by:
            for fact in situation.facts(FactKind.FINDING, name):
                if fact.value == frozenset({"present"}) and "refuted" not in fact.qualifiers:
                    yield fact

    def _labs(self, situation: Situation) -> Iterator[Fact]:
        for name, (limit, unit) in self.contradicted_by_labs.items():
            table = situation.rules.analytes[name].units
            least = table.convert(Interval.exact(limit), unit, table.canonical).value
            for fact in situation.facts(FactKind.MEASUREMENT, name):
                value = fact.value
                if least is None or not isinstance(value, Interval):
                    continue
                if value.at_least(least) == "true":
                    yield fact


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeAtConsent(Node):
    """The highest grade on file around the signing of the Consent to this study.

    Parameters
    ----------
    name
        Ordinal scale.
    limits
        Limits of the grade.
    around
        How long before and after the signing a grade may lie.
    doubted_by
        Findings (hepatic coma) that leave the grade open where they overlap that time.
    """

    name: str
    limits: Limits
    around: Period
    doubted_by: tuple[str, ...] = ()

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield the scale and the findings."""
        yield "scale", self.name
        for name in self.doubted_by:
            yield FactKind.FINDING, name

    def look(self, situation: Situation) -> Judgement:
        """Compare the highest grade; without a date or a grade nothing is decided."""
        need = Needs.of(Need("grade", self.name, "ward"))
        signed = situation.signed()
        if signed is None:
            return unknown(
                Reason.NO_DATA, needs=need, note="When consent was signed is not recorded."
            )
        zone = situation.rules.zone
        since = self.around.before(signed.earliest, zone)
        until = self.around.after(signed.latest, zone)
        graded = [
            fact
            for fact in situation.facts(FactKind.GRADE, self.name)
            if fact.start is not None
            and since <= fact.start.latest
            and fact.start.earliest <= until
        ]
        evidence = tuple(evidence_of(fact, rules=situation.rules) for fact in graded)
        grades = [fact.value for fact in graded if isinstance(fact.value, Interval)]
        if not grades:
            note = "No grade around the signing of the consent."
            return unknown(Reason.NO_DATA, needs=need, note=note, evidence=evidence)
        lows = [grade.low for grade in grades if grade.low is not None]
        highs = [grade.high for grade in grades if grade.high is not None]
        worst = Interval(
            low=max(lows, default=None),
            high=max(highs) if len(highs) == len(grades) else None,
        )
        outcome = of_truth(self.limits.truth(worst))
        unsure = [fact for fact in graded if fact.status is not FactStatus.USABLE]
        if unsure or outcome not in DECIDED:
            reasons = dict.fromkeys(STATUS_REASONS[fact.status] for fact in unsure)
            return unknown(
                *(reasons or (Reason.COMPARATOR_STRADDLES,)), needs=need, evidence=evidence
            )
        doubts = tuple(self._doubts(situation, since, until))
        if doubts and outcome is not Outcome.MET:
            found = tuple(evidence_of(fact, rules=situation.rules) for fact in doubts)
            note = "A code on file speaks of a higher grade around the signing of the consent."
            return unknown(Reason.CONFLICTING, needs=need, note=note, evidence=(*evidence, *found))
        return Judgement(outcome=outcome, evidence=evidence, needs=Needs.settled(outcome))

    def _doubts(self, situation: Situation, since: datetime, until: datetime) -> Iterator[Fact]:
        """Yield the findings that may have been there around the signing, provisional ones too."""
        for name in self.doubted_by:
            for fact in situation.facts(FactKind.FINDING, name):
                if fact.value == frozenset({"absent"}) or "refuted" in fact.qualifiers:
                    continue
                lasts = fact.end is None and fact.qualifiers & {"active", "history"}
                last = fact.end or fact.start
                begun = fact.start is None or fact.start.earliest <= until
                if begun and (lasts or last is None or last.latest >= since):
                    yield fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent(Node):
    """A Consent to this very study that is active at the instant judged.

    Parameters
    ----------
    status
        `active`: met while active. `refused`: met once refused or withdrawn.
    """

    status: str = "active"

    def look(self, situation: Situation) -> Judgement:
        """Read the newest Consent that names this study; no other one counts.

        Where it is not certain which one is newest, all that may be must agree.
        """
        need = Needs.of(Need("consent", situation.study, "patient"))
        facts = situation.consents()
        if not facts:
            others = situation.facts(FactKind.CONSENT, "unspecified")
            note = "A Consent on file names no study; it does not count." if others else ""
            found = unknown(Reason.NO_DATA, needs=need, note=note)
            return replace(
                found, evidence=tuple(evidence_of(f, rules=situation.rules) for f in others)
            )
        newest = situation.consents_in_force()
        if not newest:
            if facts[-1].status is FactStatus.USABLE:
                found = unknown(Reason.NO_DATA, needs=need, note="The Consent is not verified.")
                return replace(found, evidence=(evidence_of(facts[-1], rules=situation.rules),))
            found = unknown(STATUS_REASONS[facts[-1].status], needs=need)
            return replace(found, evidence=(evidence_of(facts[-1], rules=situation.rules),))
        until = _until(newest, situation)
        doubts = [fact for fact in facts if _doubts(fact, situation)]
        evidence = tuple(evidence_of(fact, rules=situation.rules) for fact in (*newest, *doubts))
        states = {state for fact in newest for state in situation.consent_states(fact)}
        if states and states <= ENDED:
            outcome = Outcome.MET if self.status == "refused" else Outcome.NOT_MET
        elif states == {"active"} and all(situation.may_be_later(fact) for fact in newest):
            note = "Nothing shows that the Consent of this day is signed already."
            found = unknown(Reason.OUTSIDE_WINDOW, needs=need, note=note)
            return replace(found, evidence=evidence, fresh_until=until)
        elif states == {"active"} and not doubts:
            outcome = Outcome.NOT_MET if self.status == "refused" else Outcome.MET
        else:
            reason = Reason.CONFLICTING if doubts or len(states) > 1 else Reason.NO_DATA
            note = (
                "" if reason is Reason.CONFLICTING else "The Consent is neither active nor ended."
            )
            found = unknown(reason, needs=need, note=note)
            return replace(found, evidence=evidence, fresh_until=until)
        return Judgement(
            outcome=outcome,
            evidence=evidence,
            needs=Needs.settled(outcome),
            fresh_until=until,
        )


def consent_has_ended(situation: Situation) -> bool:
    """Say whether consent to the study is, or may be, withdrawn, refused or past its end.

    Where it is in doubt, it has: publication can be made up for, and not be taken back.
    One that was entered in error leaves no consent, unless another is active. Where there
    never was one, none has ended.
    """
    effective = situation.effective_consents()
    states = {state for fact in effective for state in situation.consent_states(fact)}
    if states & ENDED or ("active" not in states and situation.consent_taken_back()):
        return True
    return any(
        _doubts(fact, situation)
        and (fact.status is FactStatus.CONFLICTING or bool(situation.consent_states(fact) & ENDED))
        for fact in situation.consents()
    )


def _doubts(fact: Fact, situation: Situation) -> bool:
    """Say whether a Consent that does not count may yet be the end of the newest one.

    One in dispute, or an end that is not verified; not one that is certainly older than
    one that is active or ended.
    """
    if fact in situation.consents_in_force() or (
        fact.status is not FactStatus.CONFLICTING and fact.value == frozenset({"active"})
    ):
        return False
    return not situation.superseded(fact, situation.effective_consents())


def _until(newest: list[Fact], situation: Situation) -> datetime | None:
    """Return the next instant at which one of the active Consents ends, or may."""
    return min(
        (
            bound
            for fact in newest
            if fact.end is not None and fact.value == frozenset({"active"})
            for bound in (fact.end.earliest, fact.end.latest)
            if bound >= situation.at
        ),
        default=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Participation(Node):
    """Part in another study, now or within a period before the instant judged.

    Parameters
    ----------
    within
        Look-back for studies that the subject has left.
    active, ended
        ResearchSubject.status codes: taking part, and having taken part.
    """

    within: Period
    active: frozenset[str]
    ended: frozenset[str]

    def look(self, situation: Situation) -> Judgement:
        """Find other studies; registers are never complete, so none found is unknown."""
        since = self.within.before(situation.at, situation.rules.zone)
        part: list[Fact] = []
        doubtful: list[Fact] = []
        for (kind, concept), facts in situation.record.facts.items():
            if kind is not FactKind.PARTICIPATION or concept == situation.study:
                continue
            for fact in facts:
                if fact.status is FactStatus.RETRACTED or not isinstance(fact.value, frozenset):
                    continue
                if "observational" in fact.qualifiers or fact.status is not FactStatus.USABLE:
                    doubtful.append(fact)
                elif fact.value <= self.active:
                    part.append(fact)
                elif fact.value <= self.ended:
                    # Without an end: still in it at its start, and afterwards nobody knows.
                    left = fact.end or fact.start
                    if left is not None and left.latest >= since:
                        part.append(fact)
                    elif fact.end is None:
                        doubtful.append(fact)
        rules = situation.rules
        if part:
            return Judgement(
                outcome=Outcome.MET,
                evidence=tuple(evidence_of(fact, rules=rules) for fact in part),
                needs=Needs.settled(Outcome.MET),
                fresh_until=self._left(part, situation),
            )
        need = Needs.of(Need("participation", "other study", "investigator"))
        proposal = Outcome.MET if doubtful else None
        reason = Reason.NEEDS_ATTESTATION if doubtful else Reason.NO_DATA
        found = unknown(reason, needs=need, proposal=proposal)
        return replace(found, evidence=tuple(evidence_of(fact, rules=rules) for fact in doubtful))

    def _left(self, part: list[Fact], situation: Situation) -> datetime | None:
        ends = [
            self.within.after(fact.end.latest, situation.rules.zone)
            for fact in part
            if fact.end is not None and isinstance(fact.value, frozenset)
        ]
        return max(ends) if len(ends) == len(part) else None
