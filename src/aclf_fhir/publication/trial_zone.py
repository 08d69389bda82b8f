"""What a trial may see, rendered apart: pseudonyms, scores, criteria, outcomes.

This module is given blinded values only (`blinding`): it imports no record, no
fact and no verdict, so there is nothing identified it could let through. Its
ids are an HMAC with the trial's key: without it no id tells whose it is, and no id
of one trial leads to one of another. That hides nobody who is recognised by the times
of results, which are kept; why, see docs/decisions/0005-trial-zone.md.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime

from aclf_fhir.codes import CANONICAL_BASE
from aclf_fhir.publication.blinding import BlindCriterion, BlindOutcome, BlindVerdict
from aclf_fhir.publication.derived import Derived, Json
from aclf_fhir.publication.elements import (
    Members,
    categories,
    compact,
    date_time,
    flag_components,
    meta,
    reason_components,
    reference,
    study_extension,
)
from aclf_fhir.publication.score_content import (
    score_code,
    score_components,
    score_method,
    score_value,
)
from aclf_fhir.publication.trial_content import (
    answer_value,
    criterion_value,
    protocol_code,
    role_component,
    verdict_code,
    verdict_extension,
    verdict_value,
)
from aclf_fhir.scores import SCORES, ScoreResult

__all__ = ["TrialZone"]

_SHORTEST_KEY = 32
_PSEUDONYMISED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "PSEUDED",
}


@dataclass(frozen=True, slots=True)
class TrialZone:
    """One trial's view: its id and the key its pseudonyms are made with.

    Parameters
    ----------
    trial
        Protocol id.
    key
        At least 32 bytes, kept by the gateway and never published; another key
        gives other pseudonyms.
    """

    trial: str
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) < _SHORTEST_KEY:
            message = f"the key of a trial needs at least {_SHORTEST_KEY} bytes"
            raise ValueError(message)

    def pseudonym(self, *, site: str, subject: str) -> str:
        """Return the pseudonym of a subject, which is the id of its Patient."""
        return self._id("Patient", site, subject)

    def patient(self, pseudonym: str) -> Derived:
        """Render the Patient: a pseudonym and nothing else about the person."""
        system = f"{CANONICAL_BASE}/NamingSystem/pseudonym"
        resource = compact(
            resourceType="Patient",
            id=pseudonym,
            meta=_meta("trial-patient"),
            identifier=[{"system": system, "value": pseudonym}],
        )
        return Derived.of(resource, subject=pseudonym)

    def research_subject(self, pseudonym: str, verdict: BlindVerdict, *, status: str) -> Derived:
        """Render the subject: the status a person gave it, and the machine's verdict.

        Arms, consent and period are left out: allocation is not for this zone, and
        a Consent names people.
        """
        resource = compact(
            resourceType="ResearchSubject",
            id=self._id("ResearchSubject", pseudonym),
            meta=_meta(),
            extension=[verdict_extension(verdict.verdict, verdict.version, None)],
            status=status,
            study=reference(f"ResearchStudy/{self.trial}"),
            individual=_patient(pseudonym),
        )
        return Derived.of(resource, subject=pseudonym)

    def score_observation(self, pseudonym: str, result: ScoreResult, *, at: datetime) -> Derived:
        """Render a score for its T; the inputs' values and sources stay in the site zone."""
        score = SCORES[result.score]
        return self._observation(
            pseudonym,
            "score",
            (result.score, date_time(at)),
            code=score_code(score),
            when=date_time(at),
            value=score_value(result, score),
            method=score_method(score),
            components=score_components(result, score),
        )

    def verdict_observations(
        self, pseudonym: str, verdict: BlindVerdict, *, as_of: datetime
    ) -> tuple[Derived, ...]:
        """Render the verdict as a panel, followed by its criteria as the members."""
        criteria = [
            self._criterion(pseudonym, criterion, as_of=as_of) for criterion in verdict.criteria
        ]
        panel = self._observation(
            pseudonym,
            "verdict",
            (),
            code=verdict_code(self.trial),
            when=date_time(as_of),
            value=verdict_value(verdict.verdict),
            members=[reference(criterion.reference) for criterion in criteria],
            components=[
                *reason_components(verdict.reasons),
            ],
        )
        return (panel, *criteria)

    def outcome_observation(self, pseudonym: str, outcome: BlindOutcome) -> Derived:
        """Render an outcome, dated when it was due and not when anything happened."""
        return self._observation(
            pseudonym,
            "outcome",
            (outcome.id,),
            code=protocol_code(self.trial, outcome.id),
            when=outcome.due.isoformat(),
            value=answer_value(outcome.answer),
            components=[*reason_components(outcome.reasons), *flag_components(outcome.flags)],
        )

    def _criterion(self, pseudonym: str, criterion: BlindCriterion, *, as_of: datetime) -> Derived:
        return self._observation(
            pseudonym,
            "criterion",
            (criterion.id,),
            code=protocol_code(self.trial, criterion.id),
            when=date_time(as_of),
            value=criterion_value(criterion.outcome),
            components=[
                role_component(criterion.role),
                *reason_components(criterion.reasons),
                *flag_components(criterion.flags),
            ],
        )

    def _observation(
        self,
        pseudonym: str,
        kind: str,
        identity: tuple[str, ...],
        *,
        code: Members,
        when: str,
        value: Members,
        components: list[Json],
        method: Members | None = None,
        members: list[Members] | None = None,
    ) -> Derived:
        resource = compact(
            resourceType="Observation",
            id=self._id("Observation", pseudonym, kind, *identity),
            meta=_meta(kind),
            extension=[study_extension(self.trial)],
            status="final",
            category=categories(kind),
            code=code,
            subject=_patient(pseudonym),
            effectiveDateTime=when,
            **value,
            method=method,
            hasMember=members,
            component=components,
        )
        return Derived.of(resource, subject=pseudonym)

    def _id(self, *parts: str) -> str:
        """Return 128 bits of an HMAC over parts that no other parts can spell."""
        message = b"".join(
            len(text).to_bytes(4, "big") + text
            for text in (part.encode() for part in (self.trial, *parts))
        )
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()[:32]


def _meta(profile: str = "") -> Members:
    ours = meta(profile)
    tag = ours.pop("tag")
    return {**ours, "security": [_PSEUDONYMISED], "tag": tag}


def _patient(pseudonym: str) -> Members:
    return reference(f"Patient/{pseudonym}")
