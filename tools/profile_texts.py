"""The texts of `profiles/` that no program knows: what each code, element and operation means.

This module is long because it is a set of tables; `generate_profiles.py` reads them.
"""

from __future__ import annotations

ORIGIN = {"derived": "Derived by the gateway; never an input"}

CATEGORIES = {
    "score": "A published score",
    "criterion": "The result of one criterion of a protocol",
    "verdict": "The verdict of a protocol over all of its criteria",
    "outcome": "An outcome of a trial",
}

CRITERIA = {
    "met": "Met (of an exclusion criterion: present)",
    "not-met": "Not met (of an exclusion criterion: absent)",
    "unknown": "Unknown",
    "not-applicable": "Cannot apply to this subject",
    "inclusion": "Inclusion criterion",
    "exclusion": "Exclusion criterion",
    "verdict": "Verdict over all criteria",
}

VERDICTS = {
    "eligible": "Every inclusion criterion is met and every exclusion criterion is not",
    "ineligible": "An inclusion criterion is not met, or an exclusion criterion is",
    "undetermined": "Neither; something is unknown",
}

COMPONENTS = {
    "unrounded": "The value before rounding, to four decimals",
    "bounds": "Where the unrounded value lies when inputs are missing or inexact",
    "possible": "A category that the inputs allow; one component each",
    "span": "Time between the oldest and the newest input",
    "flag": "What a reader must know; one component each",
    "reason": "Why the result is unknown; one component each",
    "role": "On which side of the protocol the criterion stands",
    "distance": "How far the value used is from the limit",
    "evidence": "A fact that decided; one component each",
    "missing-next": "A missing fact that could still change the verdict; one component each",
    "fresh-until": "Until when the evidence is fresh if nothing new arrives",
}

POINTS = (
    "ascites albumin bilirubin brain circulation coagulation creatinine encephalopathy inr kidney "
    "lactate liver respiration"
)
"""Parts of scores that get points of their own."""

SCORE_REASONS = {
    "non_positive_input": "An input of a logarithm is zero or negative",
    "missing_unit": "An input has no unit",
    "unsupported_unit": "An input has a unit that cannot be converted",
    "out_of_range": "An input lies outside its accepted range",
    "not_applicable": "The score is not meant for this subject",
}

TRIAL_REASONS = {
    "no-data": "Nothing on file, or a final result without a value",
    "stale": "The newest usable value is older than its age limit",
    "outside-window": "It cannot be placed inside the window, or the inputs lie too far apart",
    "preliminary": "Only a preliminary result or a provisional diagnosis",
    "unit-missing": "No unit was sent",
    "unit-not-convertible": "The unit sent cannot be converted",
    "comparator-straddles": "The value is known only as a range, and the limit lies inside it",
    "conflicting": "Sources contradict each other",
    "only-one-of-a-pair": "Two values are needed and there is one",
    "definition-open": "The protocol's text does not define it",
    "needs-attestation": "A person has to answer",
    "retracted": "What was on file has been withdrawn",
}

EVALUATION = {
    "evaluate": "Compute scores, criteria and outcomes from the facts on file",
    "new-data": "Something new arrived",
    "correction": "Something on file was corrected",
    "retraction": "Something on file was withdrawn",
    "replay": "Something held could be mapped",
    "rules-changed": "Another version of a score, a mapping or a protocol",
    "time-passed": "Evidence went stale or a window closed",
    "requested": "Somebody asked for it",
}

ERRORS = {
    "invalid": "Not valid",
    "unsupported": "Not supported",
    "not_found": "Not found",
    "conflict": "In conflict with what is stored",
    "forbidden": "Not allowed",
    "unavailable": "Not available now",
    "unauthenticated": "Sender not known",
    "gone": "Deleted",
    "precondition": "Changed meanwhile",
    "too_large": "Too large",
    "not_acceptable": "Method or media type not offered",
    "too_many": "Too many requests",
    "fault": "A fault of the gateway",
}

OBSERVATION, CONCEPT = "Observation", "CodeableConcept"

# Name: (title, description, type it extends, value[x] types, parts as (name, type, min, max, text)).
EXTENSIONS = {
    "open-ends": (
        "Open end of a range",
        "Names an end that a Range does not include; a Range of R4 includes both.",
        "Range",
        ("code",),
        (),
    ),
    "input-choice": (
        "Choice of an input",
        "Which fact stands for an input of a score, why, and which ones were passed over.",
        "Observation.component",
        (),
        (
            ("why", "string", 0, "1", "Selection rule that decided"),
            ("source", "", 0, "*", "A fact the value rests on"),
            ("passedOver", "", 0, "*", "A newer or contradicting fact that was not taken"),
            ("flag", "code", 0, "*", "What a reader must know of the fact"),
        ),
    ),
    "formula-verification": (
        "Verification of a formula",
        "V2: checked against two independent sources; V1: against one; M: not yet verified.",
        CONCEPT,
        ("code",),
        (),
    ),
    "missing-input": (
        "Missing input",
        "Name of an input without which a score cannot be computed.",
        CONCEPT,
        ("code",),
        (),
    ),
    "verdict": (
        "Verdict of the gateway",
        "What the gateway finds beside the status that only a person moves.",
        "ResearchSubject",
        (),
        (
            ("verdict", "code", 1, "1", "eligible, ineligible or undetermined"),
            ("protocolVersion", "string", 1, "1", "Version of the protocol file"),
            ("freshUntil", "dateTime", 0, "1", "Until when the evidence is fresh"),
            ("panel", "Reference", 0, "1", "Observation with the criteria as members"),
        ),
    ),
    "clocks": (
        "Both clocks",
        "The instant an evaluation was made for, and up to when the gateway's knowledge counts.",
        "Provenance",
        (),
        (
            ("asOf", "dateTime", 1, "1", "T"),
            ("knownAt", "dateTime", 1, "1", "K"),
        ),
    ),
}

_ANY_OBSERVATION = (
    ("Observation.category", 1, "*", "Which sort of derived Observation it is"),
    ("Observation.subject", 1, "1", "Patient, in the trial zone the pseudonym"),
    ("Observation.issued", 0, "0", "When it was written says meta.lastUpdated"),
)

# Name: (title, description, type, elements as (path, min, max, text)).
PROFILES = {
    "score": (
        "Score",
        "A published score of one subject at one instant. The value is rounded as published; "
        "components hold it unrounded, the points per organ, the inputs used, bounds and flags.",
        OBSERVATION,
        (
            *_ANY_OBSERVATION,
            ("Observation.effective[x]", 1, "1", "The instant of the newest input"),
            ("Observation.method", 1, "1", "Score id and version of its implementation"),
            ("Observation.derivedFrom", 0, "*", "Version of each source R4 lets it point at"),
        ),
    ),
    "score-panel": (
        "Score panel",
        "The panel of a score that has one: Child-Pugh, LOINC 98153-0, with the total as member.",
        OBSERVATION,
        (
            *_ANY_OBSERVATION,
            ("Observation.effective[x]", 1, "1", "As its member"),
            ("Observation.value[x]", 0, "0", "The member has the value"),
            ("Observation.hasMember", 1, "*", "The score"),
        ),
    ),
    "criterion": (
        "Criterion result",
        "The result of one criterion of a protocol for one subject.",
        OBSERVATION,
        (
            *_ANY_OBSERVATION,
            ("Observation.effective[x]", 1, "1", "The instant it was judged for"),
            ("Observation.value[x]", 1, "1", "met, not-met, unknown or not-applicable"),
            ("Observation.component", 1, "*", "Role, reasons, evidence, distance, flags"),
        ),
    ),
    "verdict": (
        "Verdict",
        "The verdict of a protocol for one subject, with the criteria as members.",
        OBSERVATION,
        (
            *_ANY_OBSERVATION,
            ("Observation.effective[x]", 1, "1", "The instant it was judged for"),
            ("Observation.value[x]", 1, "1", "eligible, ineligible or undetermined"),
            ("Observation.hasMember", 1, "*", "Every criterion of the protocol"),
        ),
    ),
    "outcome": (
        "Outcome",
        "An outcome of a trial for one subject: yes, no, or absent while nothing proves either.",
        OBSERVATION,
        _ANY_OBSERVATION,
    ),
    "trial-patient": (
        "Patient of the trial zone",
        "A pseudonym and nothing else about a person.",
        "Patient",
        (
            ("Patient.identifier", 1, "1", "The pseudonym"),
            *(
                (f"Patient.{element}", 0, "0", "Never published to a trial")
                for element in (
                    "name telecom gender birthDate deceased[x] address maritalStatus multipleBirth[x] "
                    "photo contact communication generalPractitioner managingOrganization link"
                ).split()
            ),
        ),
    ),
}

_CLOCKS = (
    ("asOf", "in", 0, "1", "dateTime", "The instant to judge for (T); by default now"),
    ("knownAt", "in", 0, "1", "dateTime", "Nothing learnt later counts (K); by default now"),
)
_BUNDLE_IN = (
    "resource", "in", 0, "1", "Bundle", "On the system: the data to use; nothing is stored"
)  # fmt: skip

# Name: title, description, types, system, instance, parameters as
# (name, use, min, max, type, text) or (name, use, min, max, parts, text).
OPERATIONS = {
    "score": {
        "title": "Compute scores",
        "description": "Scores of a stored patient, or of the patients in a Bundle.",
        "types": ("Patient",),
        "parameters": (
            *_CLOCKS,
            ("score", "in", 0, "*", "code", "Score ids; by default those that active trials name"),
            _BUNDLE_IN,
            ("return", "out", 1, "1", "Bundle", "Score Observations"),
        ),
    },
    "screen": {
        "title": "Screen for trials",
        "description": "Verdict and criteria of a stored patient, or of the patients in a Bundle.",
        "types": ("Patient",),
        "parameters": (
            *_CLOCKS,
            ("trial", "in", 0, "*", "code", "Protocol ids; by default every active one"),
            _BUNDLE_IN,
            ("return", "out", 1, "1", "Bundle", "Verdict and criterion Observations"),
        ),
    },
    "held": {
        "title": "Work list of held inputs",
        "description": "What is stored but not yet mapped to a fact, with the reason.",
        "types": (),
        "parameters": (
            ("reason", "in", 0, "1", "code", "Only this reason"),
            (
                "held",
                "out",
                0,
                "*",
                (
                    ("resource", "out", 1, "1", "Reference", "The version that waits"),
                    ("reason", "out", 1, "1", "code", "Why it waits"),
                    ("location", "out", 0, "1", "string", "FHIRPath of the element"),
                    ("detail", "out", 0, "1", "string", "Code, unit or system to be fixed"),
                ),
                "One reason of one input",
            ),
        ),
    },
    "intake": {
        "title": "Accounting of inputs",
        "description": "How many inputs of each type ended as what; the counts add up.",
        "types": (),
        "parameters": (
            (
                "type",
                "out",
                0,
                "*",
                (
                    ("resourceType", "out", 1, "1", "code", "Resource type"),
                    ("mapped", "out", 1, "1", "integer", "Became facts"),
                    ("notNeeded", "out", 1, "1", "integer", "Not needed, by a rule"),
                    ("held", "out", 1, "1", "integer", "Stored, waiting"),
                    ("refused", "out", 1, "1", "integer", "Not stored"),
                ),
                "The counts of one resource type",
            ),
        ),
    },
}
