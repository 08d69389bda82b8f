"""How something was found, not what: positive or negative, arterial or venous, oral or topical.

The words and codes are data (`mappings/vocabulary.yaml`) that the catalog fills the model
here with. What is measured or diagnosed stands with its analyte, scale or value set.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from aclf_fhir.codes import Coding

__all__ = [
    "DATA_ABSENT_EXTENSION",
    "NORMAL_RANGE",
    "ROUTE_NAMES",
    "Answer",
    "TextPattern",
    "Vocabulary",
]

Answer = Literal["present", "absent", "unclear"]

DATA_ABSENT_EXTENSION = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
NORMAL_RANGE = Coding("http://terminology.hl7.org/CodeSystem/referencerange-meaning", "normal")

ROUTE_NAMES = frozenset(
    {
        "inhaled",
        "intramuscular",
        "intravenous",
        "nasal",
        "oral",
        "rectal",
        "subcutaneous",
        "topical",
    }
)
"""What a route of administration is called in facts and protocols; its codes are data."""

_KEPT = 8192
"""How many texts are kept with what they name; the same few come with every result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPattern:
    """What shows in a text that it names something; case is ignored.

    Parameters
    ----------
    parts
        Stand anywhere in the text.
    beginnings
        Begin a word of it.
    words
        Are whole words of it.
    """

    parts: tuple[str, ...] = ()
    beginnings: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def compiled(self) -> re.Pattern[str]:
        """Return the expression that finds any of them."""
        shapes = ((self.parts, "{}"), (self.beginnings, r"\b{}"), (self.words, r"\b{}\b"))
        found = [shape.format(re.escape(text)) for texts, shape in shapes for text in texts]
        return re.compile("|".join(found) or r"(?!)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The codes and words every mapping module may read.

    Parameters
    ----------
    answers, answer_words
        Coded results of qualitative tests, and the same in words, in lower case.
    grade_units
        Units a grade may carry.
    birth_sex, birth_sex_extensions
        Codes that birth-sex extensions carry; last part of their URL in lower case.
    encounter_classes
        Class of an Encounter by its code; every other is `other`.
    death_dispositions
        Discharge dispositions that say that the patient died.
    vessels
        What a specimen type says of the vessel.
    urine
        Specimen types that make urine one of the fluids an analyte is measured in.
    fluid_sites
        Body sites that hold no blood, with the fluid they hold.
    fluid_words, blood_words
        How the name of a specimen or body site shows another fluid, or blood.
    routes
        Route of administration, one of `ROUTE_NAMES`, by its code.
    """

    answers: Mapping[Coding, Answer]
    answer_words: Mapping[str, Answer]
    grade_units: frozenset[str]
    birth_sex: Mapping[str, str]
    birth_sex_extensions: frozenset[str]
    encounter_classes: Mapping[Coding, str]
    death_dispositions: frozenset[Coding]
    vessels: Mapping[Coding, str]
    urine: frozenset[Coding]
    fluid_sites: Mapping[Coding, str]
    fluid_words: Mapping[str, re.Pattern[str]]
    blood_words: re.Pattern[str]
    routes: Mapping[Coding, str]
    _named: dict[str, tuple[tuple[str, ...], bool]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def fluids_named(self, text: str) -> tuple[tuple[str, ...], bool]:
        """Return the fluids other than blood that a text names, and whether it names blood."""
        found = self._named.get(text)
        if found is None:
            fluids = tuple([name for name, words in self.fluid_words.items() if words.search(text)])
            found = fluids, self.blood_words.search(text) is not None
            if len(self._named) < _KEPT:
                self._named[text] = found
        return found
