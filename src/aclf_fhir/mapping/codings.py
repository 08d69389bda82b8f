"""What the codings of one element mean: any known one counts, contradicting ones are held."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from aclf_fhir.codes import ATC, ICD10, ICD10CM, ICD10PCS, LOINC, RXNORM, SNOMED, Coding
from aclf_fhir.codes.check_digits import is_loinc, is_snomed
from aclf_fhir.mapping.models import MappingContext, Strength, ValueSet
from aclf_fhir.record import FactKind

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.datatypes import CodeableConcept

__all__ = [
    "Notion",
    "Notions",
    "as_evidence",
    "codings_of",
    "describe",
    "looked_up",
    "read_notions",
]

_WELL_FORMED: Mapping[str, Callable[[str], object]] = {
    ATC: re.compile(r"[A-Z]([0-9]{2}([A-Z]([A-Z]([0-9]{2})?)?)?)?").fullmatch,
    ICD10: re.compile(r"[A-Z][0-9]{2}(\.[0-9A-Z-]{1,4})?").fullmatch,
    ICD10CM: re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?").fullmatch,
    ICD10PCS: re.compile(r"[0-9A-HJ-NP-Z]{7}").fullmatch,
    LOINC: is_loinc,
    RXNORM: re.compile(r"[0-9]{1,8}").fullmatch,
    SNOMED: is_snomed,
}
"""The standard systems value sets are written in, and what a code of each looks like."""

_RANK = {Strength.DEFINITE: 0, Strength.REVIEW: 1, Strength.SUPPORTING: 2, Strength.HISTORY: 3}


@dataclass(frozen=True, slots=True)
class Notion:
    """Membership of an element in one value set."""

    value_set: ValueSet
    strength: Strength
    value: str = "present"


@dataclass(frozen=True, slots=True)
class Notions:
    """What an element's codings say together.

    Parameters
    ----------
    found
        By value set id.
    contradiction
        Two codings that cannot both be meant, or "".
    covered
        True where one coding is a well-formed code of a standard system the catalog
        reads here: not listed, it has no use. Any other code may mean anything.
    set_aside
        True where the site has found one of its local codes without use.
    """

    found: Mapping[str, Notion] = field(default_factory=dict)
    contradiction: str = ""
    covered: bool = False
    set_aside: bool = False

    @property
    def unread(self) -> bool:
        """Whether nobody can tell what is meant: it may be anything."""
        return not (self.found or self.covered or self.set_aside)


def codings_of(concept: "CodeableConcept | None") -> tuple[Coding, ...]:
    """Return the codings that have a code."""
    if concept is None or concept.coding is None:
        return ()
    return tuple([_coding(coding.system, coding.code) for coding in concept.coding if coding.code])


def looked_up(concept: "CodeableConcept | None") -> tuple[Coding, ...]:
    """Return what an element is looked up by: its codings, or its text where it has none.

    A text is a coding without a system; only a site's own file can say what it means.
    """
    codings = codings_of(concept)
    if codings or concept is None or not concept.text:
        return codings
    return (Coding("", concept.text),)


def as_evidence(codings: Iterable[Coding]) -> tuple[str, ...]:
    """Return codings as facts carry them, `system|code`."""
    return tuple([_written(coding) for coding in codings])


# The same few codes come with every result: made once, then looked up.
@lru_cache(maxsize=8192)
def _coding(system: str | None, code: str) -> Coding:
    return Coding(system or "", code)


_written = lru_cache(maxsize=8192)(str)


def describe(codings: Iterable[Coding]) -> str:
    """Say which codes were sent, for the work list."""
    return ", ".join(as_evidence(codings)) or "text only"


def read_notions(
    codings: tuple[Coding, ...], context: MappingContext, kinds: frozenset[FactKind]
) -> Notions:
    """Look the codings of one element up in every value set of these kinds.

    Codings of one element are translations of each other. They contradict where two
    known ones share no value set, where one makes past what the other does not, or
    where they carry different values.
    """
    found: dict[str, Notion] = {}
    seen: list[tuple[Coding, frozenset[str]]] = []
    covered = False
    for coding in codings:
        members, reads_system = _memberships(coding, context, kinds)
        covered = covered or reads_system
        if not members:
            continue
        for other, ids in seen:
            if ids.isdisjoint(members):
                return Notions(contradiction=describe((other, coding)))
        seen.append((coding, frozenset(members)))
        for id_, notion in members.items():
            known = found.setdefault(id_, notion)
            past = Strength.HISTORY
            if known.value != notion.value or (known.strength is past) != (notion.strength is past):
                return Notions(contradiction=describe(codings))
            if _RANK[notion.strength] < _RANK[known.strength]:
                found[id_] = notion
    set_aside = not context.site.set_aside.isdisjoint(codings)
    return Notions(found, covered=covered, set_aside=set_aside)


def _memberships(
    coding: Coding, context: MappingContext, kinds: frozenset[FactKind]
) -> tuple[dict[str, Notion], bool]:
    """Return the notions of one coding, and whether not to be listed means no use."""
    members: dict[str, Notion] = {}
    looked_up = _normal(coding)
    is_well_formed = _WELL_FORMED.get(coding.system)
    covered = False
    for value_set in context.value_sets_by_system.get(coding.system, ()):
        if value_set.kind not in kinds:
            continue
        covered = is_well_formed is not None
        strength = value_set.strength(looked_up)
        if strength is not None:
            value = value_set.value_of(looked_up) or "present"
            members[value_set.id] = Notion(value_set, strength, value)
    if covered and is_well_formed is not None:
        covered = bool(is_well_formed(looked_up.code))
    return members, covered


def _normal(coding: Coding) -> Coding:
    """Return an ICD-10 code as the classification prints it.

    Claims write it without the dot (`K7460`), WHO codes carry dagger or asterisk.
    """
    if coding.system not in (ICD10, ICD10CM):
        return coding
    code = coding.code.strip().upper().rstrip("+*!†")
    if len(code) > 3 and "." not in code:
        code = f"{code[:3]}.{code[3:]}"
    return Coding(coding.system, code)
