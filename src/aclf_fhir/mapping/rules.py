"""The closed list of rules under which a resource is stored and not needed.

Each sentence is shown to senders and published in `docs/reference/mapping-rules.md`.
The rules for Observations without a known code are data of the catalog
(`NotNeededRules.texts`); the sentences here are those of the machine itself.
"""

from collections.abc import Mapping

from aclf_fhir.mapping.models import HeldReason, NotNeededRules

__all__ = ["HELD", "RULES", "rule_text"]

RULES: Mapping[str, str] = {
    "cancelled": "It was cancelled before anything was done or measured.",
    "code-set-aside-by-site": "The site has looked at this local code and found it without use.",
    "condition-without-use": "Its codes are standard ones that no criterion or score reads.",
    "consent-not-research": "It is neither a research consent nor names a study.",
    "device-without-use": (
        "It is assigned to no patient, or its type says nothing of organ support or treatment."
    ),
    "do-not-perform": "An order not to do something proves neither the thing nor its absence.",
    "draft": "A draft states nothing yet.",
    "empty-response": "None of its items has an answer.",
    "entered-in-error": "Its sender has withdrawn it; what it stated before is retracted.",
    "family-history-without-use": "No condition in it bears on hereditary cancer.",
    "medication-definition": "A Medication is read through the resources that refer to it.",
    "medication-without-use": (
        "Its codes are standard ones of drugs that no criterion or score reads."
    ),
    "order-without-use": (
        "An order proves nothing done; only orders and listings for liver transplantation are read."
    ),
    "own-derived": "The gateway itself made it; what was derived is never input.",
    "panel-without-own-value": "It groups other Observations, which are read by themselves.",
    "patient-without-use": "It states no birth date, sex or death.",
    "planned": "A planned encounter has not begun.",
    "procedure-without-use": "Its codes are standard ones that no criterion or score reads.",
    "questionnaire-not-attestation": "It answers no attestation item of a protocol.",
    "report-without-coded-conclusion": (
        "Its results are read as Observations, and no conclusion code bears on a criterion."
    ),
    "specimen-definition": "A Specimen is read through the Observations that refer to it.",
    "type-without-use": "No criterion or score reads this resource type.",
}
"""Rule id to sentence."""

HELD: Mapping[HeldReason, str] = {
    HeldReason.UNKNOWN_PATIENT: "The Patient was never sent; mapped again when it arrives.",
    HeldReason.NO_SUBJECT: "It says of nobody; the sender adds the subject.",
    HeldReason.SUBJECT_NOT_PATIENT: "Its subject is a Group, Device or Location.",
    HeldReason.SUBJECT_NOT_LITERAL: "Its subject is no literal reference, Patient/id.",
    HeldReason.FOCUS_SET: "It is about something else than its subject (focus).",
    HeldReason.NO_EFFECTIVE_TIME: "It does not say when it was true; issued does not stand in.",
    HeldReason.FUTURE: "It begins more than 5 minutes after it arrived.",
    HeldReason.BEFORE_BIRTH: "It surely lies before the subject's birth.",
    HeldReason.AFTER_DEATH: "It surely lies after the subject's death.",
    HeldReason.UNMAPPED_CODE: "No code of it is known: the site file maps it or sets it aside.",
    HeldReason.CONTRADICTING_CODES: "Two of its codes cannot both be meant.",
    HeldReason.UNIT_MISSING: "A number has no unit and needs one; the site file may declare it.",
    HeldReason.UNIT_UNKNOWN: "The unit is not in the analyte's table, or is refused there.",
    HeldReason.UNIT_DISAGREES: "Unit text, unit code and test code do not go together.",
    HeldReason.VALUE_UNREADABLE: "The value is no number, or absent without a reason.",
    HeldReason.DECIMAL_COMMA: "A comma may be decimal or group thousands; the site declares it.",
    HeldReason.IMPLAUSIBLE: "No living patient has this value: unit, place or person is wrong.",
    HeldReason.ANSWER_UNKNOWN: "The answer is none the question or scale knows.",
    HeldReason.SPECIMEN_CONTRADICTS: "The specimen is none the analyte is measured in.",
    HeldReason.REFERENCE_UNKNOWN: "What it refers to was never sent; mapped again on arrival.",
    HeldReason.STATUS_CONFLICT: "A lower status came after a higher one; a person decides.",
}
"""What each reason to hold means, and what ends it."""


def rule_text(rule: str, not_needed: NotNeededRules) -> str:
    """Return the sentence of a rule, of the machine's or of the catalog's.

    Parameters
    ----------
    rule
        `MappingOutcome.rule`.
    not_needed
        The catalog's rules for Observations without a known code.

    Returns
    -------
    str
        The sentence; `KeyError` for a rule nobody states.
    """
    return RULES[rule] if rule in RULES else not_needed.texts[rule]
