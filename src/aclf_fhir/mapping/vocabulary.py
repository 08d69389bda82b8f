"""The words of HL7, SNOMED CT and LOINC that say how something was found, not what.

Positive or negative, arterial or venous, inpatient or emergency, oral or topical:
they belong to the format and are the same for every analyte and notion. What is
measured or diagnosed is data of the catalog. Systems with two URLs (the R4 one and
that of older engines) are both listed.
"""

from collections.abc import Mapping
from typing import Literal

from aclf_fhir.codes import LOINC, SNOMED, Coding

__all__ = [
    "ANSWERS",
    "ANSWER_TEXTS",
    "BIRTH_SEX",
    "BIRTH_SEX_EXTENSIONS",
    "BLOOD_WORDS",
    "DATA_ABSENT_EXTENSION",
    "DEATH_DISPOSITIONS",
    "ENCOUNTER_CLASSES",
    "FLUID_SITES",
    "FLUID_WORDS",
    "NORMAL_RANGE",
    "ROUTES",
    "SPECIMEN_QUALIFIERS",
    "URINE",
    "Answer",
]

Answer = Literal["present", "absent", "unclear"]

DATA_ABSENT_EXTENSION = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
NORMAL_RANGE = Coding("http://terminology.hl7.org/CodeSystem/referencerange-meaning", "normal")

_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_DISPOSITION = "http://terminology.hl7.org/CodeSystem/discharge-disposition"
_DISPOSITION_V2 = "http://terminology.hl7.org/CodeSystem/v2-0112"
_DISPOSITION_US = "https://www.nubc.org/CodeSystem/PatDischargeStatus"
_INTERPRETATION = (
    "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "http://terminology.hl7.org/CodeSystem/v2-0078",
    "http://hl7.org/fhir/v2/0078",
)
_SPECIMEN_V2 = (
    "http://terminology.hl7.org/CodeSystem/v2-0487",
    "http://hl7.org/fhir/v2/0487",
)
_YES_NO = "http://terminology.hl7.org/CodeSystem/v2-0136"


def _coded(system: str, groups: Mapping[Answer, str]) -> dict[Coding, Answer]:
    """Spread `{"present": "POS DET"}` over codings of one system."""
    return {
        Coding(system, code): answer for answer, codes in groups.items() for code in codes.split()
    }


ANSWERS: Mapping[Coding, Answer] = {
    **_coded(
        SNOMED,
        {
            # positive, reactive, detected, present, yes, pregnant
            "present": "10828004 11214006 260373001 52101004 373066001 77386006",
            # negative, non-reactive, not detected, absent, no, not pregnant
            "absent": "260385009 131194007 260415000 2667000 373067005 60001007",
            # inconclusive, indeterminate, unknown, possible pregnancy
            "unclear": "419984006 82334004 261665006 102874004",
        },
    ),
    **_coded(
        LOINC,
        {
            # Positive, Detected, Present, Yes, Pregnant
            "present": "LA6576-8 LA11882-0 LA9633-4 LA33-6 LA15173-0",
            # Negative, Not detected, Absent, No, Not pregnant
            "absent": "LA6577-6 LA11883-8 LA9634-2 LA32-8 LA26683-5",
            # Unknown, Indeterminate
            "unclear": "LA4489-6 LA11884-6",
        },
    ),
    **{
        coding: answer
        for system in _INTERPRETATION
        for coding, answer in _coded(
            system,
            {"present": "POS DET RR", "absent": "NEG ND NR", "unclear": "IND E WR"},
        ).items()
    },
    **_coded(_YES_NO, {"present": "Y", "absent": "N"}),
}
"""Coded results of qualitative tests."""

ANSWER_TEXTS: Mapping[str, Answer] = {
    **dict.fromkeys(("positive", "pos", "reactive", "detected", "present", "yes"), "present"),
    **dict.fromkeys(
        ("negative", "neg", "non-reactive", "nonreactive", "non reactive", "not detected"),
        "absent",
    ),
    **dict.fromkeys(("absent", "no"), "absent"),
    **dict.fromkeys(("indeterminate", "equivocal", "inconclusive", "unknown"), "unclear"),
}
"""The same as words, in lower case; nothing longer is read."""

BIRTH_SEX: Mapping[str, str] = {
    "F": "female",
    "M": "male",
    "OTH": "other",
    "UNK": "unknown",
    "ASKU": "unknown",
    "female": "female",
    "male": "male",
    "other": "other",
    "unknown": "unknown",
    "248152002": "female",
    "248153007": "male",
}
"""Codes that birth-sex extensions carry."""

BIRTH_SEX_EXTENSIONS = frozenset({"us-core-birthsex", "patient-birthsex", "birthsex"})
"""Last part of the extension's URL, in lower case."""

ENCOUNTER_CLASSES: Mapping[Coding, str] = {
    Coding(_ACT_CODE, code): concept
    for concept, codes in {
        "inpatient": "IMP ACUTE NONAC",
        "emergency": "EMER",
        "ambulatory": "AMB VR HH FLD",
    }.items()
    for code in codes.split()
}
"""Every other class is `other`."""

DEATH_DISPOSITIONS = frozenset(
    {
        Coding(_DISPOSITION, "exp"),
        Coding(SNOMED, "371828006"),
        *(
            Coding(system, code)
            for system in (_DISPOSITION_V2, _DISPOSITION_US)
            for code in ("20", "40", "41", "42")
        ),
    }
)
"""Discharge dispositions that say the patient died."""

SPECIMEN_QUALIFIERS: Mapping[Coding, str] = {
    Coding(SNOMED, "122552005"): "arterial",
    Coding(SNOMED, "122555007"): "venous",
    Coding(SNOMED, "122554006"): "capillary",
    **{
        Coding(system, code): name
        for system in _SPECIMEN_V2
        for code, name in (("BLDA", "arterial"), ("BLDV", "venous"), ("BLDC", "capillary"))
    },
}
"""What a specimen type says of the vessel."""

URINE = Coding(SNOMED, "122575003")
"""The specimen type that makes urine one of the fluids an analyte is measured in."""

FLUID_SITES: Mapping[Coding, str] = {
    Coding(SNOMED, "83670000"): "peritoneal fluid",
    Coding(SNOMED, "15425007"): "peritoneal fluid",
    Coding(SNOMED, "3120008"): "pleural fluid",
    Coding(SNOMED, "28231008"): "bile",
    Coding(SNOMED, "89837001"): "urine",
}
"""Body sites that hold no blood: peritoneal cavity, peritoneum, pleura, gallbladder, bladder."""

FLUID_WORDS: Mapping[str, str] = {
    "peritoneal fluid": r"ascit|aszit|periton|paracentes",
    "pleural fluid": r"pleur|thoracentes",
    "urine": r"\burin|\bharn",
    "cerebrospinal fluid": r"cerebrospinal|\bcsf\b|\bliquor\b",
    "drain fluid": r"\bdrain|effusion",
    "bile": r"\bbile\b|\bbiliary\b|\bgalle",
    "another fluid": r"synovial|pericardi|amniot|dialysate|saliva|\bstool|\bfaec|\bfeces\b",
}
"""Words, case ignored, by which the name of a specimen or body site shows another fluid."""

BLOOD_WORDS = r"\bblood\b|serum|plasma|\bblut|vollblut"
"""Words, case ignored, by which it shows blood."""

ROUTES: Mapping[Coding, str] = {
    Coding(SNOMED, code): name
    for code, name in {
        "47625008": "intravenous",
        "26643006": "oral",
        "34206005": "subcutaneous",
        "78421000": "intramuscular",
        "6064005": "topical",
        "45890007": "topical",
        "54485002": "topical",
        "10547007": "topical",
        "37161004": "rectal",
        "46713006": "nasal",
        "447694001": "inhaled",
    }.items()
}
"""Route of administration; topical includes skin, eye and ear."""
