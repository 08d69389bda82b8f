"""Builds analytes and their unit tables from `mappings/analytes/` and `mappings/units.yaml`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from aclf_fhir.catalog.files import DataFile
from aclf_fhir.catalog.issues import Findings
from aclf_fhir.catalog.trees import (
    SYSTEMS,
    branch,
    code_problem,
    codings,
    items,
    number,
    span,
    text,
    texts,
)
from aclf_fhir.catalog.yaml_text import Tree
from aclf_fhir.codes import Coding
from aclf_fhir.errors import AclfError
from aclf_fhir.mapping.models import Analyte, AnalyteCode, UnitRemarks
from aclf_fhir.units import Interval
from aclf_fhir.units.quantity import UnitTable

__all__ = ["Entry", "analyte_code", "build_analytes", "entries", "specimen_groups"]

_MICRO = str.maketrans({"\u00b5": "u", "\u03bc": "u"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a data file that has many, with the place it stands at."""

    id: str
    file: str
    path: str
    tree: dict[str, Tree]


def entries(files: list[DataFile], key: str, findings: Findings) -> Iterator[Entry]:
    """Yield the entries under `key`; those of an overlay replace the package's.

    The same id twice within the package, or twice within the overlay, is a problem.
    """
    last: dict[str, tuple[bool, Entry]] = {}
    for file in files:
        for name, tree in branch(file.tree, key).items():
            entry = Entry(name, file.name, f"{key}.{name}", tree)  # type: ignore[arg-type] # the schema has checked the shape
            if name in last and last[name][0] == file.overlay:
                findings.add(file.name, entry.path, f"{name} is also in {last[name][1].file}")
            last[name] = (file.overlay, entry)
    for _, entry in last.values():
        yield entry


def build_analytes(
    files: list[DataFile],
    *,
    units: list[DataFile],
    specimens: Mapping[str, frozenset[Coding]],
    findings: Findings,
) -> dict[str, Analyte]:
    """Build every analyte, and note what contradicts itself.

    Parameters
    ----------
    files
        Files of the kind `analytes`.
    units
        Files of the kind `units`; a later one adds units to an earlier one.
    specimens
        Specimen groups.
    findings
        Where problems are noted.

    Returns
    -------
    dict
        Analytes by id, those without a problem of their own.
    """
    spelled = {entry.id: entry.tree for entry in entries(units, "units", findings)}
    refused = [rule for file in units for rule in items(file.tree, "refused")]
    built = {}
    for entry in entries(files, "analytes", findings):
        table = _unit_table(entry, spelled, refused, findings)
        if table is not None:
            built[entry.id] = _analyte(entry, table, specimens, findings)
    return built


def analyte_code(
    coding: Coding, tree: dict[str, Tree], table: UnitTable | None = None
) -> AnalyteCode:
    """Build one code of an analyte or scale; a limit of units takes in their other spellings."""
    units = texts(tree, "units")
    if table is not None:
        wanted = {table.factors[unit] for unit in units if unit in table.factors}
        units += [unit for unit, factor in table.factors.items() if factor in wanted]
    return AnalyteCode(
        coding,
        qualifiers=frozenset(texts(tree, "qualifiers")),
        units=frozenset(units),
        needs_site=bool(tree.get("needs_site")),
    )


def _analyte(
    entry: Entry,
    table: UnitTable,
    specimens: Mapping[str, frozenset[Coding]],
    findings: Findings,
) -> Analyte:
    """Build one analyte around its unit table."""
    tree = entry.tree
    group = text(tree, "specimens")
    if group and group not in specimens:
        findings.add(entry.file, f"{entry.path}.specimens", f"{group} is not a specimen group")
    plausible = branch(tree, "plausible")
    low, high = number(plausible, "low"), number(plausible, "high")
    if low >= high:
        findings.add(entry.file, f"{entry.path}.plausible", "low is not below high")
    mass = tree.get("molar_mass")
    return Analyte(
        id=entry.id,
        title=text(tree, "title"),
        unit=table.canonical,
        units=table,
        codes=tuple(_codes(entry, table, findings)),
        plausible=Interval(low, high),
        max_age=span(tree, "max_age"),
        bedside=bool(tree.get("bedside")),
        specimens=specimens.get(group, frozenset()),
        molar_mass=str(mass) if isinstance(mass, Decimal) else None,
        look_alikes=_look_alikes(entry, findings),
        source=text(tree, "source"),
        remarks=_remarks(branch(tree, "remarks")),
    )


def _remarks(tree: dict[str, Tree]) -> UnitRemarks:
    """Read what a unit's text may say, in lower case."""
    return UnitRemarks(
        other=tuple(word.casefold() for word in texts(tree, "other")),
        own=tuple(word.casefold() for word in texts(tree, "own")),
        no_unit=frozenset(word.casefold() for word in texts(tree, "no_unit")),
    )


def _codes(entry: Entry, table: UnitTable, findings: Findings) -> Iterator[AnalyteCode]:
    """Yield the codes of an analyte."""
    for path, coding, tree in codings(branch(entry.tree, "codes")):
        where = f"{entry.path}.codes.{path}"
        problem = code_problem(coding)
        if problem:
            findings.add(entry.file, where, problem)
        code = analyte_code(coding, tree, table)  # type: ignore[arg-type] # the schema has checked the shape
        for unit in sorted(code.units - table.factors.keys()):
            findings.add(entry.file, f"{where}.units", f"{unit} is not a unit of {entry.id}")
        yield code


def _look_alikes(entry: Entry, findings: Findings) -> dict[Coding, str]:
    """Read the codes that are not this analyte."""
    found = {}
    for path, coding, why in codings(branch(entry.tree, "not_this")):
        problem = code_problem(coding)
        if problem:
            findings.add(entry.file, f"{entry.path}.not_this.{path}", problem)
        found[coding] = str(why)
    return found


def _unit_table(
    entry: Entry,
    spelled: Mapping[str, dict[str, Tree]],
    common: list[dict[str, Tree]],
    findings: Findings,
) -> UnitTable | None:
    """Build a unit table: the analyte's factors, everybody's spellings, both refusals."""
    refused = _refusals(entry.tree)
    factors: dict[str, str] = {}
    spellings: dict[str, str] = {}
    for place, row in enumerate(items(entry.tree, "units")):
        unit, factor = text(row, "unit"), str(row["factor"])
        where = f"{entry.path}.units[{place}]"
        if unit in factors and factors[unit] != factor:
            findings.add(entry.file, where, f"{unit} already has the factor {factors[unit]}")
        factors[unit] = factor
        known = spelled.get(unit, {})
        for alias in texts(known, "ucum"):
            if alias in refused:
                continue
            if factors.setdefault(alias, factor) != factor:
                findings.add(entry.file, where, f"{alias} already has another factor")
        for spelling in texts(known, "spellings"):
            if spelling in refused:
                continue
            if spellings.setdefault(spelling, unit) != unit:
                findings.add(entry.file, where, f"{spelling} is a spelling of two units")
    for rule in common:
        if not factors.keys().isdisjoint(texts(rule, "units")):
            for spelling in texts(rule, "spellings"):
                refused.setdefault(spelling.translate(_MICRO), text(rule, "reason"))
    canonical = text(entry.tree, "unit")
    if canonical not in factors:
        findings.add(
            entry.file, f"{entry.path}.unit", f"{canonical} is not in the table", "add it to units"
        )
        return None
    try:
        return UnitTable.build(
            canonical=canonical,
            factors=factors,
            spellings={key: value for key, value in spellings.items() if key not in factors},
            refused=refused,
            unitless=bool(entry.tree.get("unitless")),
        )
    except AclfError as error:
        for issue in error.issues:
            findings.add(entry.file, f"{entry.path}.units", issue.message)
        return None


def _refusals(tree: Mapping[str, Tree]) -> dict[str, str]:
    """Read the spellings an analyte refuses, micro signs as u."""
    return {
        spelling.translate(_MICRO): text(rule, "reason")
        for rule in items(tree, "refused")
        for spelling in texts(rule, "spellings")
    }


def specimen_groups(files: list[DataFile], findings: Findings) -> dict[str, frozenset[Coding]]:
    """Build the specimen groups of `mappings/specimens.yaml`."""
    groups = {}
    for entry in entries(files, "specimens", findings):
        members = set()
        for path, coding, _ in codings(branch(entry.tree, "codes"), SYSTEMS):
            problem = code_problem(coding)
            if problem:
                findings.add(entry.file, f"{entry.path}.codes.{path}", problem)
            members.add(coding)
        groups[entry.id] = frozenset(members)
    return groups
