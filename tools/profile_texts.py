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
    "rounded-bounds": "Where the rounded value lies when inputs are missing or inexact",
    "possible": "A category that the inputs allow; one component each",
    "span": "Time between the oldest and the newest input",
    "flag": "What a reader must know; one component each",
    "reason": "Why the result is unknown, or meant for others; one component each",
    "role": "On which side of the protocol the criterion stands",
    "passes": "Whether the criterion speaks for eligibility; absent while open",
    "proposal": "What the evidence suggests to the person who is asked",
    "evidence": "A fact that decided, or that explains the unknown; one component each",
    "competing": "A competing event, such as liver transplantation; one component each",
    "distance": "How far the value used is from the limit",
    "limit": "The limit the distance is counted from",
    "missing-next": "A missing fact that could still change the verdict; one component each",
    "fresh-until": "Until when the result holds if nothing new arrives",
    "variant.calendar": "The outcome with months counted on the calendar",
    "variant.from_first_dose": "The outcome counted from the first dose",
    "variant.transplant_free": "The outcome with liver transplantation counted as an event",
}

DETAILS = {
    "aclf_present": "Whether ACLF is present, whatever its grade",
    "clif_c_of": "CLIF-C OF points of the same inputs",
    "field": "The input that cannot be used",
    "kind": "Which ratio was used",
    "meld": "MELD used in the formula",
    "meld_i": "MELD(i) used in the formula",
    "mortality": "Predicted probability of death by the time named",
    "mortality_bounds": "Where the predicted probability of death lies",
    "organ_failures": "Organs in failure",
    "organ_failures_possible": "Organs that may be in failure",
    "rounded_1dp": "The value to one decimal",
    "rounded_uncapped": "The rounded value without the upper limit",
    "sodium_applied": "Whether sodium changed the result",
    "unscaled": "The value of the bracket, before multiplication",
    "without_terlipressin": "The grade if terlipressin does not count",
}
"""Texts of `detail.<name>`; those without one are named as they are."""

FLAGS = {
    "abatement_as_text": "An end was sent as text",
    "activity_limit_unverified": "The limit for prothrombin activity is not verified",
    "albumin_infused": "Albumin was given shortly before the draw",
    "answer_from_text": "An answer was read from words",
    "anticoagulant": "An anticoagulant or plasma was given shortly before the draw",
    "alternatives_disagree": "Two ways to meet the criterion disagree",
    "at_limit_of_range": "A number beyond the accepted range but for its limit counts as the limit",
    "attestation_disagrees": "A person's answer and the record disagree",
    "bands_unverified": "The bands of the result are not verified",
    "bilirubin_rise_not_measured": "The rise of bilirubin was not measured",
    "birth_date_partial": "The birth date is not known to the day",
    "comparator": "The value is known only as a range",
    "derived": "The value was computed from others",
    "died": "The subject died before the time point",
    "dialysis_not_recorded": "Nothing says whether there was dialysis",
    "dose_unread": "A dose could not be read",
    "formula_unverified": "The formula is not yet verified against its publication",
    "grade_from_finding": "The grade was inferred from a finding",
    "grade_range": "More than one grade is possible",
    "he_coding_unverified": "The points for encephalopathy are not verified",
    "held": "A result exists whose value waits on the work list",
    "improving": "The grade has fallen",
    "isi_of_site": "The sensitivity index is what the site declares of its reagent",
    "mortality_6_12_months_unverified": "Mortality at 6 and 12 months is not verified",
    "mortality_curves_cross": "The fitted curves of mortality cross in this range",
    "mortality_single_source": "The mortality was checked against one source only",
    "onset_as_text": "An onset was sent as text",
    "performed_as_text": "A time was sent as text",
    "pt_control_of_site": "The control time is what the site declares of its reagent",
    "pt_mean_normal_of_site": "The mean normal time is what the site declares of its reagent",
    "range": "The value was sent as a range",
    "record_inactive": "The patient's record is not active",
    "renal_limit_unverified": "The creatinine limit of renal insufficiency is not verified",
    "renal_replacement_counted_as_3": "Renal replacement was counted as 3 points",
    "rounding_sensitive": "Rounding decides",
    "span_over_24_h": "The inputs lie more than 24 h apart",
    "specimen_unknown": "What the result was measured in could not be read",
    "spo2_above_97": "Oxygen saturation above 97 % makes the ratio uninformative",
    "spo2_surrogate": "Oxygen saturation stands in for PaO2",
    "still_active": "It began before the period asked about and has no end",
    "terlipressin_counted": "Terlipressin was counted as circulatory support",
    "terlipressin_decides": "The grade depends on whether terlipressin counts",
    "time_from_age": "A time was computed from an age",
    "transplanted": "A liver was transplanted before the time point",
    "unit_from_text": "The unit was read from text",
    "unit_mapped": "The unit was mapped from another spelling",
    "unit_missing": "The result came without a unit",
    "unread_since_answer": "Something nobody could read came after the answer",
    "unsigned": "Nobody signed the answer",
    "vasopressor_outside_table": "A vasopressor the score does not name counts 2 points",
    "ventilation_reason_unknown": "The reason for ventilation is not known",
    "visit_window_open": "The visit window has not closed",
}

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

FOLLOW_UP_REASONS = {
    "deceased": "The subject had died",
    "death-date-unknown": "The subject died, and nobody says when",
    "not-due": "The time point has not come",
    "no-contact": "No sign of life on or after the time point; no news is not alive",
}

SUBJECT_STATUSES = {
    "potential-candidate": "The gateway found nothing that rules the subject out",
    "candidate": "A person wants the subject considered",
    "screening": "Eligibility is being established",
    "eligible": "A person found every criterion satisfied",
    "ineligible": "A person found a criterion that fails",
    "not-registered": "Registration did not come about",
    "pending-on-study": "Registration or randomisation is awaited",
    "on-study": "Enrolled; `period.start` is time zero of the outcomes",
    "on-study-intervention": "Enrolled, receiving what the arm gives",
    "on-study-observation": "Enrolled, observed by the protocol without treatment",
    "follow-up": "Treatment and visits are over; news is still gathered",
    "off-study": "Taking part has ended",
    "withdrawn": "Taking part was given up, before or after enrolment",
}

SUBJECT_REASONS = {
    "adverse-event": "An adverse event ended it",
    "completed": "Everything the protocol asks for was done",
    "consent-declined": "Consent was asked for and not given",
    "consent-withdrawn": "Consent was given and withdrawn; publication stops",
    "criterion-failed": "A criterion fails",
    "decided-in-error": "The decision before was a mistake",
    "died": "The subject died",
    "investigator-decision": "The investigator decided",
    "lost-to-follow-up": "The subject cannot be reached",
    "new-results": "Something became known that matters to a criterion",
    "other-study": "The subject takes part in another study",
    "other-study-ended": "Another study the subject took part in is over",
    "recruitment-closed": "The study takes nobody in any more",
    "sponsor-decision": "The sponsor decided",
    "subject-decision": "The subject decided, consent apart",
    "transferred": "The subject is treated elsewhere",
    "transplanted": "The subject received a liver",
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

SIGNING = {
    "signed-verdict": "A signed decision on eligibility",
    "sign": "Sign a decision",
    "review": "Look again at a signed decision: a criterion would now fall otherwise",
    "criterion": "The criterion, or the verdict as a whole",
    "before": "Its outcome as signed",
    "after": "Its outcome by what is known now",
    "reason": "Why it is unknown now",
    "evidence": "A resource version that decides it now",
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

# Name: (title, description, type extended, value[x] types, parts: (name, types, min, max, text)).
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
    "evidence": (
        "Evidence",
        "A fact as it was sent and as it was used.",
        "Observation.component",
        (),
        (
            ("concept", "code", 1, "1", "Catalog id of what it is about"),
            ("resource", "Reference", 0, "1", "The version it came from"),
            ("sent", "string", 0, "1", "Value as sent"),
            ("conversion", "string", 0, "1", "How it became the value used"),
            ("note", "string", 0, "1", "Why it is here"),
            ("drawn", "dateTime Period", 0, "1", "When it was true of the subject"),
            ("received", "dateTime", 0, "1", "When the gateway learnt it"),
            ("flag", "code", 0, "*", "What a reader must know"),
        ),
    ),
    "missing-fact": (
        "Missing fact",
        "A fact that could change a verdict, and who can supply it.",
        "Observation.component",
        (),
        (
            ("kind", "code", 1, "1", "What sort of fact"),
            ("concept", "code", 1, "1", "Catalog id or attestation item"),
            ("supplier", "string", 1, "1", "Who can supply it"),
        ),
    ),
    "protocol-version": (
        "Version of a protocol",
        "The version of this reading of a protocol, and the day from which it holds.",
        "ResearchStudy",
        (),
        (
            ("version", "string", 1, "1", "Version"),
            ("effective", "date", 1, "1", "From which day it holds"),
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
    "subject-verdict": (
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
    "status-reason": (
        "Reason of a status",
        "Why a person gave a subject its status: a code of CodeSystem/subject-reasons.",
        "ResearchSubject",
        ("code",),
        (),
    ),
    "subject-status": (
        "Status of a listed subject",
        "The status people gave a ResearchSubject, in a List of a trial's subjects.",
        "List.entry",
        ("code",),
        (),
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
    "content-hash": (
        "Content hash",
        "SHA-256 over the canonical JSON of the signed document's entries, this Provenance left"
        " out: `sha256:` and 64 hexadecimal digits.",
        "Provenance",
        ("string",),
        (),
    ),
}

_ANY_OBSERVATION = (
    ("Observation.category", 1, "*", "Which sort of derived Observation it is"),
    ("Observation.subject", 1, "1", "Patient, in the trial zone the pseudonym"),
    ("Observation.issued", 0, "0", "When it was written says meta.lastUpdated"),
)

_IDENTIFYING = (
    "name",
    "telecom",
    "gender",
    "birthDate",
    "deceased[x]",
    "address",
    "maritalStatus",
    "multipleBirth[x]",
    "photo",
    "contact",
    "communication",
    "generalPractitioner",
    "managingOrganization",
    "link",
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
                for element in _IDENTIFYING
            ),
        ),
    ),
}

_CLOCKS = (
    (
        "asOf",
        "in",
        0,
        "1",
        "dateTime",
        "The instant to judge for (T); in a URL also `now` or `last`",
    ),
    ("knownAt", "in", 0, "1", "dateTime", "Nothing learnt later counts (K); by default all counts"),
)
_BUNDLE_IN = (
    "resource", "in", 0, "1", "Bundle", "On the system: the data to use; nothing is stored"
)  # fmt: skip

_COUNT = ("count", "out", 1, "1", "integer", "How many")
_HELD_GROUP = (
    ("reason", "out", 1, "1", "code", "Why they wait"),
    ("detail", "out", 0, "1", "string", "Code, unit or system to be fixed"),
    ("resources", "out", 1, "1", "integer", "How many inputs wait"),
    ("subjects", "out", 1, "1", "integer", "How many subjects they block"),
)
_HELD_ITEM = (
    ("resource", "out", 1, "1", "Reference", "The version that waits"),
    ("subject", "out", 0, "1", "Reference", "Whose it is"),
    ("since", "out", 1, "1", "instant", "Since when it waits"),
    ("reason", "out", 1, "1", "code", "Why it waits"),
    ("location", "out", 0, "1", "string", "FHIRPath of the element"),
    ("detail", "out", 0, "1", "string", "Code, unit or system to be fixed"),
)
_INTAKE_RULE = (("rule", "out", 1, "1", "string", "Name of the rule"), _COUNT)
_INTAKE_TYPE = (
    ("type", "out", 1, "1", "code", "Resource type"),
    ("ended", "out", 1, "1", "code", "How they ended"),
    _COUNT,
)
_INTAKE_HOLDING = (
    ("reason", "out", 1, "1", "code", "Why"),
    ("detail", "out", 0, "1", "string", "Which code, unit or reference"),
    ("count", "out", 1, "1", "integer", "Resources held for it; one may be held for several"),
)
_INTAKE_REASON = (
    ("type", "out", 0, "1", "string", "Resource type, if it could be read"),
    ("detail", "out", 0, "1", "string", "Why"),
    _COUNT,
)

_DIFF_VERDICT = (
    ("asOf", "out", 1, "1", "dateTime", "T"),
    ("knownAt", "out", 1, "1", "dateTime", "K"),
    ("version", "out", 1, "1", "string", "Version of the protocol file"),
    ("verdict", "out", 1, "1", "code", "eligible, ineligible or undetermined"),
    ("reason", "out", 0, "*", "code", "What decided beside the criteria"),
)
_DIFF_RESULT = (
    ("outcome", "out", 1, "1", "code", "met, not-met, unknown or not-applicable"),
    ("passes", "out", 0, "1", "boolean", "Whether it speaks for eligibility; absent while open"),
    ("reason", "out", 0, "*", "code", "Why it is unknown"),
    ("flag", "out", 0, "*", "code", "What a reader must know"),
)
_DIFF_FACT = (
    ("concept", "out", 1, "1", "code", "Catalog id of what it is about"),
    ("value", "out", 0, "1", "string", "Value as used"),
    ("sent", "out", 0, "1", "string", "Value as sent"),
    ("conversion", "out", 0, "1", "string", "How it became the value used"),
    ("note", "out", 0, "1", "string", "Why it is here"),
    ("resource", "out", 0, "1", "Reference", "The version it came from"),
    ("drawn", "out", 0, "1", "Element", "When it was true of the subject: dateTime or Period"),
    ("received", "out", 0, "1", "dateTime", "When the gateway learnt it"),
    ("flag", "out", 0, "*", "code", "What a reader must know"),
)
_DIFF_EVIDENCE = (
    ("change", "out", 1, "1", "code", "added, removed or changed"),
    ("before", "out", 0, "1", _DIFF_FACT, "The fact before"),
    ("after", "out", 0, "1", _DIFF_FACT, "The fact after"),
)
_DIFF_CRITERION = (
    ("id", "out", 1, "1", "code", "Id within the protocol"),
    ("role", "out", 1, "1", "code", "inclusion or exclusion"),
    ("text", "out", 1, "1", "string", "What it asks"),
    ("before", "out", 0, "1", _DIFF_RESULT, "Its result before"),
    ("after", "out", 0, "1", _DIFF_RESULT, "Its result after"),
    ("evidence", "out", 0, "*", _DIFF_EVIDENCE, "A deciding fact that is not the same"),
)
_DIFF_TRIAL = (
    ("trial", "out", 1, "1", "code", "Protocol id"),
    ("before", "out", 1, "1", _DIFF_VERDICT, "The verdict before"),
    ("after", "out", 1, "1", _DIFF_VERDICT, "The verdict after"),
    ("unchanged", "out", 1, "1", "integer", "Criteria that do not differ"),
    ("criterion", "out", 0, "*", _DIFF_CRITERION, "A criterion that does"),
)

# Name: title, description, resource types, and parameters as
# (name, use, min, max, type or parts, text). `system` and `affectsState` where not the usual.
OPERATIONS = {
    "score": {
        "title": "Compute scores",
        "description": (
            "Scores of a stored patient, or of the patients in a Bundle. Where scores are "
            "named for a Bundle, only resources that may bear on them are validated, mapped "
            "and reported on; name none to have every resource judged."
        ),
        "types": ("Patient",),
        "parameters": (
            *_CLOCKS,
            ("score", "in", 0, "*", "code", "Score ids; by default every score"),
            _BUNDLE_IN,
            ("return", "out", 1, "1", "Bundle", "Score Observations"),
        ),
    },
    "score-timeline": {
        "title": "Draw scores over time",
        "description": "Scores of a stored patient as a picture: values, bounds, gaps, limits and"
        " the grade of ACLF. Answered as image/svg+xml unless FHIR is asked for.",
        "types": ("Patient",),
        "system": False,
        "parameters": (
            *_CLOCKS,
            ("score", "in", 0, "*", "code", "Score ids; by default those that protocols name"),
            ("return", "out", 1, "1", "Binary", "The picture"),
        ),
    },
    "screen": {
        "title": "Screen for trials",
        "description": "Verdict and criteria of a stored patient, or of the patients in a Bundle.",
        "types": ("Patient",),
        "parameters": (
            *_CLOCKS,
            ("trial", "in", 0, "*", "code", "Protocol ids; by default every protocol"),
            _BUNDLE_IN,
            ("return", "out", 1, "1", "Bundle", "Verdict and criterion Observations"),
        ),
    },
    "screen-diff": {
        "title": "Compare two verdicts",
        "description": "What differs between the verdicts of two pairs of clocks on a stored"
        " patient: before, by asOf and knownAt; after, by otherAsOf and otherKnownAt, by"
        " default the same instant with all that is known now.",
        "types": ("Patient",),
        "system": False,
        "parameters": (
            *_CLOCKS,
            ("otherAsOf", "in", 0, "1", "dateTime", "T of the verdict after; by default asOf"),
            ("otherKnownAt", "in", 0, "1", "dateTime", "K of the verdict after; by default now"),
            ("trial", "in", 0, "*", "code", "Protocol ids; by default every protocol"),
            ("comparison", "out", 1, "*", _DIFF_TRIAL, "The two verdicts by one protocol"),
        ),
    },
    "sign": {
        "title": "Sign eligibility",
        "description": "Freezes the verdict on a subject as a signed document. Refused while a"
        " criterion is open or fails, and until each flag is acknowledged. If-Match names the"
        " version of the ResearchSubject that the signer saw; its status does not move.",
        "types": ("ResearchSubject",),
        "system": False,
        "affectsState": True,
        "parameters": (
            ("signer", "in", 1, "1", "Reference", "A stored Practitioner or PractitionerRole"),
            ("meaning", "in", 1, "1", "code", "Code of urn:iso-astm:E1762-95:2013"),
            ("acknowledge", "in", 0, "*", "code", "Each flag of the verdict"),
            ("asOf", "in", 0, "1", "dateTime", "The instant to sign for (T), not in the future"),
            ("return", "out", 1, "1", "Bundle", "The document"),
        ),
    },
    "held": {
        "title": "Work list of held inputs",
        "description": "What is stored but not yet mapped to a fact, with the reason.",
        "types": (),
        "parameters": (
            ("reason", "in", 0, "1", "code", "Only this reason"),
            ("group", "out", 0, "*", _HELD_GROUP, "What is held for one reason"),
            ("item", "out", 0, "*", _HELD_ITEM, "One reason of one input"),
        ),
    },
    "intake": {
        "title": "Accounting of a push",
        "description": "How every entry of a push ended; the counts add up.",
        "types": (),
        "parameters": (
            ("push", "in", 1, "1", "string", "X-Push-Id or X-Request-Id of the push"),
            ("total", "out", 1, "1", "integer", "Entries that arrived"),
            ("stored", "out", 1, "1", "integer", "Stored as a new version"),
            ("duplicate", "out", 1, "1", "integer", "Already stored as they are"),
            ("refused", "out", 1, "1", "integer", "Not stored"),
            ("mapped", "out", 1, "1", "integer", "Became facts"),
            ("not-needed", "out", 1, "1", "integer", "Not needed, by a rule"),
            ("held", "out", 1, "1", "integer", "Stored, waiting"),
            ("unsettled", "out", 1, "1", "integer", "Stored, not yet looked at"),
            ("unread", "out", 1, "1", "integer", "Bundles refused whole, their entries uncounted"),
            ("rule", "out", 0, "*", _INTAKE_RULE, "A rule by which inputs are not needed"),
            ("type", "out", 0, "*", _INTAKE_TYPE, "How inputs of one type ended"),
            ("holding", "out", 0, "*", _INTAKE_HOLDING, "Why inputs of this push are held"),
            ("reason", "out", 0, "*", _INTAKE_REASON, "Why inputs were refused"),
        ),
    },
}
