"""What the codings of one element mean: any known one counts, contradicting ones are held."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aclf_fhir.codes import Coding
from aclf_fhir.mapping.models import MappingContext, Strength, ValueSet
from aclf_fhir.record import FactKind

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.datatypes import CodeableConcept

__all__ = ["Notion", "Notions", "as_evidence", "codings_of", "describe", "read_notions"]

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
        True where one coding belongs to a system the catalog reads here: then a code
        it does not list has no use. A code of any other system may mean anything.
    set_aside
        True where the site has found one of its local codes without use.
    """

    found: Mapping[str, Notion] = field(default_factory=dict)
    contradiction: str = ""
    covered: bool = False
    set_aside: bool = False


def codings_of(concept: "CodeableConcept | None") -> tuple[Coding, ...]:
    """Return the codings that have a code."""
    if concept is None or concept.coding is None:
        return ()
    return tuple(
        [Coding(coding.system or "", coding.code) for coding in concept.coding if coding.code]
    )


def as_evidence(codings: Iterable[Coding]) -> tuple[str, ...]:
    """Return codings as facts carry them, `system|code`."""
    return tuple([f"{system}|{code}" for system, code in codings])


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
    """Return the notions of one coding, and whether the catalog reads its system here."""
    members: dict[str, Notion] = {}
    covered = False
    for value_set in context.value_sets_by_system.get(coding.system, ()):
        if value_set.kind not in kinds:
            continue
        covered = True
        strength = value_set.strength(coding)
        if strength is not None:
            members[value_set.id] = _notion(value_set, strength, coding)
    for id_, strength in context.site.value_set_codes.get(coding, ()):
        value_set = context.value_sets[id_]
        if value_set.kind in kinds:
            members[id_] = _notion(value_set, strength, coding)
    return members, covered


def _notion(value_set: ValueSet, strength: Strength, coding: Coding) -> Notion:
    return Notion(value_set, strength, value_set.value_of(coding) or "present")
