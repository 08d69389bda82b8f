"""The catalog as one site's mapping needs it: everything by code, the site's own included."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aclf_fhir.codes import Coding
from aclf_fhir.mapping.models import (
    Analyte,
    AnalyteCode,
    GradeScale,
    MappingContext,
    NotNeededRules,
    SiteMap,
    SubjectDates,
    ValueSet,
)
from aclf_fhir.mapping.vocabulary import Vocabulary

if TYPE_CHECKING:
    from aclf_fhir.fhir.r4.datatypes import Resource
    from aclf_fhir.units.expression import UnitParts

__all__ = ["Indexes", "build_indexes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexes:
    """The part of a `MappingContext` that depends on the site alone.

    Its fields are those of `MappingContext`; answers of the site are in `scales`, its
    value set codes in `value_sets`, its analyte codes in `analytes_by_code`.
    """

    site: SiteMap
    analytes: Mapping[str, Analyte]
    scales: Mapping[str, GradeScale]
    value_sets: Mapping[str, ValueSet]
    analytes_by_code: Mapping[Coding, tuple[str, AnalyteCode]]
    scales_by_code: Mapping[Coding, str]
    value_sets_by_system: Mapping[str, tuple[ValueSet, ...]]
    trials: Mapping[str, str]
    not_needed: NotNeededRules
    unit_parts: "UnitParts"
    vocabulary: Vocabulary
    attestation_items: frozenset[str]
    questions: dict[tuple[Coding, ...], Any] = field(default_factory=dict)
    stated: dict[tuple[str, bytes], Any] = field(default_factory=dict)

    def context(
        self,
        *,
        resource_id: str,
        version: int,
        known: datetime,
        subject_dates: Callable[[str], SubjectDates | None],
        resolve: "Callable[[str], Resource | None]",
    ) -> MappingContext:
        """Return the context to map one resource version with."""
        # By position, in the order MappingContext declares: names make it five times as slow.
        return MappingContext(
            self.site,
            self.analytes,
            self.scales,
            self.value_sets,
            self.analytes_by_code,
            self.scales_by_code,
            self.value_sets_by_system,
            self.trials,
            resource_id,
            version,
            known,
            subject_dates,
            resolve,
            self.not_needed,
            self.unit_parts,
            self.vocabulary,
            self.attestation_items,
            self.questions,
            self.stated,
        )


def build_indexes(
    site: SiteMap,
    *,
    analytes: Mapping[str, Analyte],
    scales: Mapping[str, GradeScale],
    value_sets: Mapping[str, ValueSet],
    trials: Mapping[str, str],
    not_needed: NotNeededRules,
    unit_parts: "UnitParts",
    vocabulary: Vocabulary,
    attestation_items: frozenset[str],
) -> Indexes:
    """Lay one site's own codes over the catalog's."""
    own_scales = {name: _with_answers(scale, site) for name, scale in scales.items()}
    own_sets = {name: _with_codes(value_set, site) for name, value_set in value_sets.items()}
    return Indexes(
        site=site,
        analytes=analytes,
        scales=own_scales,
        value_sets=own_sets,
        analytes_by_code={
            **{
                code.coding: (analyte.id, code)
                for analyte in analytes.values()
                for code in analyte.codes
            },
            **site.analyte_codes,
        },
        scales_by_code={
            **{code.coding: scale.id for scale in scales.values() for code in scale.codes},
            **site.scale_codes,
        },
        value_sets_by_system=_by_system(own_sets.values()),
        trials=trials,
        not_needed=not_needed,
        unit_parts=unit_parts,
        vocabulary=vocabulary,
        attestation_items=attestation_items,
    )


def _with_answers(scale: GradeScale, site: SiteMap) -> GradeScale:
    own = {coding: value for (name, coding), value in site.answers.items() if name == scale.id}
    return replace(scale, answers={**scale.answers, **own}) if own else scale


def _with_codes(value_set: ValueSet, site: SiteMap) -> ValueSet:
    own = {
        coding: strength
        for coding, members in site.value_set_codes.items()
        for name, strength in members
        if name == value_set.id
    }
    if not own:
        return value_set
    values = {
        coding: value for (name, coding), value in site.values.items() if name == value_set.id
    }
    return replace(
        value_set,
        codes={**value_set.codes, **own},
        values={**value_set.values, **values},
        excluded=value_set.excluded - own.keys(),
    )


def _by_system(value_sets: Iterable[ValueSet]) -> dict[str, tuple[ValueSet, ...]]:
    found: dict[str, tuple[ValueSet, ...]] = {}
    for value_set in value_sets:
        systems = {coding.system for coding in (*value_set.codes, *value_set.prefixes)}
        for system in systems:
            found[system] = (*found.get(system, ()), value_set)
    return found
