"""A small world for the mapping's unit tests: two analytes, two notions, one patient."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from aclf_fhir.catalog import load_catalog
from aclf_fhir.codes import ICD10CM, LOINC, Coding
from aclf_fhir.mapping.models import (
    Analyte,
    AnalyteCode,
    MappingContext,
    NotNeededRules,
    SiteMap,
    Strength,
    SubjectDates,
    ValueSet,
)
from aclf_fhir.record import FactKind
from aclf_fhir.units import Interval, TimeRange
from aclf_fhir.units.quantity import UnitTable

SHIPPED = load_catalog().indexes("default")
"""Where words are read: the package's own tables."""
KNOWN = datetime(2024, 7, 1, 12, tzinfo=UTC)
BIRTH = TimeRange.exact(datetime(1972, 2, 29, tzinfo=UTC))


def analyte(id_: str, loinc: str, unit: str, low: str, high: str, **units: str) -> Analyte:
    return Analyte(
        id=id_,
        title=id_,
        unit=unit,
        units=UnitTable.build(canonical=unit, factors=units),
        codes=(AnalyteCode(Coding(LOINC, loinc)),),
        plausible=Interval(Decimal(low), Decimal(high)),
        max_age=timedelta(hours=48),
    )


BILIRUBIN = analyte("bilirubin_total", "1975-2", "mg/dL", "0.05", "100", **{"umol/L": "1/17.1"})
SYSTOLIC = analyte("systolic_pressure", "8480-6", "mm[Hg]", "20", "350")
DIASTOLIC = analyte("diastolic_pressure", "8462-4", "mm[Hg]", "5", "250")
MEAN = analyte("mean_arterial_pressure", "8478-0", "mm[Hg]", "20", "250")
ANALYTES = (BILIRUBIN, SYSTOLIC, DIASTOLIC, MEAN)

BLEEDING = ValueSet(
    id="gi_bleeding",
    title="Bleeding",
    kind=FactKind.FINDING,
    codes={
        Coding(ICD10CM, "K92.1"): Strength.SUPPORTING,
        Coding(ICD10CM, "K92.2"): Strength.DEFINITE,
        Coding(ICD10CM, "Z87.1"): Strength.HISTORY,
    },
)


def context(**changes: Any) -> MappingContext:
    given: dict[str, Any] = {
        "site": SiteMap(id="test", zone=timezone(timedelta(hours=2))),
        "analytes": {one.id: one for one in ANALYTES},
        "scales": {},
        "value_sets": {BLEEDING.id: BLEEDING},
        "analytes_by_code": {code.coding: (one.id, code) for one in ANALYTES for code in one.codes},
        "scales_by_code": {},
        "value_sets_by_system": {ICD10CM: (BLEEDING,)},
        "trials": {},
        "resource_id": "r1",
        "version": 3,
        "known": KNOWN,
        "subject_dates": {"p1": SubjectDates(birth=BIRTH)}.get,
        "resolve": {}.get,
        "unit_parts": SHIPPED.unit_parts,
        "vocabulary": SHIPPED.vocabulary,
        "not_needed": NotNeededRules(systems=frozenset({LOINC})),
    }
    return MappingContext(**{**given, **changes})
