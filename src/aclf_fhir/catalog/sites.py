"""Builds what each hospital does its own way from `mappings/sites/`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aclf_fhir.catalog.analytes import analyte_code
from aclf_fhir.catalog.files import DataFile
from aclf_fhir.catalog.issues import Findings, one_of
from aclf_fhir.catalog.notions import expected_answer, read_answer
from aclf_fhir.catalog.trees import SYSTEMS, branch, code_problem, number, text, texts
from aclf_fhir.catalog.yaml_text import Tree
from aclf_fhir.codes import Coding
from aclf_fhir.errors import AclfError
from aclf_fhir.mapping.models import Analyte, AnalyteCode, GradeScale, SiteMap, Strength, ValueSet
from aclf_fhir.units import Interval

__all__ = ["build_sites"]

_EVERY = "all"
_TEXT = {"text": ""}


def build_sites(
    files: list[DataFile],
    *,
    analytes: Mapping[str, Analyte],
    scales: Mapping[str, GradeScale],
    value_sets: Mapping[str, ValueSet],
    findings: Findings,
) -> dict[str, SiteMap]:
    """Build every site; a file of the overlay replaces the package's of the same name."""
    return {
        file.stem: _Site(file, analytes, scales, value_sets, findings).build() for file in files
    }


@dataclass(slots=True)
class _Site:
    """One site file being read against the catalog."""

    file: DataFile
    analytes: Mapping[str, Analyte]
    scales: Mapping[str, GradeScale]
    value_sets: Mapping[str, ValueSet]
    findings: Findings
    systems: dict[str, str] = field(default_factory=dict)

    def build(self) -> SiteMap:
        """Read the file."""
        tree = self.file.tree
        own = branch(tree, "systems")
        fixed = {**SYSTEMS, **_TEXT}
        for name in sorted(own.keys() & fixed.keys()):
            self._problem(f"systems.{name}", "the name already has a meaning")
        self.systems = {**{name: str(url) for name, url in own.items()}, **fixed}
        sets, values = self._value_set_codes()
        return SiteMap(
            id=self.file.stem,
            title=text(tree, "title"),
            zone=self._zone(),
            analyte_codes=self._analyte_codes(),
            scale_codes={
                coding: self._known(text(entry, "scale"), self.scales, f"{path}.scale")
                for path, coding, entry in self._codes(branch(tree, "scales"), "scales")
            },
            value_set_codes=sets,
            values=values,
            answers=dict(self._answers()),
            spellings=dict(self._spellings()),
            default_units=dict(self._default_units()),
            specimen_codes=dict(self._specimens()),
            set_aside=frozenset(
                coding for _, coding, _ in self._codes(branch(tree, "set_aside"), "set_aside")
            ),
            decimal_comma=bool(tree.get("decimal_comma")),
            unique_identifiers=frozenset(texts(tree, "unique_identifiers")),
            complete_feeds=frozenset(
                self._known(name, self.value_sets, f"complete_feeds[{place}]")
                for place, name in enumerate(texts(tree, "complete_feeds"))
            ),
            constants=dict(self._constants()),
        )

    def _problem(self, path: str, message: str, remedy: str = "") -> None:
        self.findings.add(self.file.name, path, message, remedy)

    def _known(self, name: str, known: Mapping[str, object], path: str) -> str:
        """Return `name`, noting it if the catalog does not have it."""
        if name not in known:
            self._problem(path, f"{name} is not in the catalog", one_of(name, known))
        return name

    def _zone(self) -> tzinfo:
        name = text(self.file.tree, "zone")
        if name == "UTC":
            return UTC
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self._problem("zone", f"{name} is not a known time zone", "expected Europe/Berlin …")
            return UTC

    def _codes(
        self, tree: Mapping[str, Tree], section: str
    ) -> Iterator[tuple[str, Coding, dict[str, Tree]]]:
        """Yield path, coding and entry of every code of a section."""
        for name in tree:
            if name not in self.systems:
                self._problem(
                    f"{section}.{name}",
                    f"{name} is not under systems",
                    f"add its URL; {one_of(name, self.systems)}",
                )
                continue
            for code, entry in branch(tree, name).items():
                path = f"{section}.{name}.{code}"
                coding = Coding(self.systems[name], code)
                problem = code_problem(coding)
                if problem:
                    self._problem(path, problem)
                yield path, coding, entry  # type: ignore[misc] # the schema has checked the shape

    def _analyte_codes(self) -> dict[Coding, tuple[str, AnalyteCode]]:
        found = {}
        for path, coding, entry in self._codes(branch(self.file.tree, "analytes"), "analytes"):
            name = self._known(text(entry, "analyte"), self.analytes, f"{path}.analyte")
            if name in self.analytes:
                table = self.analytes[name].units
                code = analyte_code(coding, entry, table)
                for unit in sorted(code.units - table.factors.keys()):
                    self._problem(
                        f"{path}.units",
                        f"{unit} is not a unit of {name}",
                        one_of(unit, table.factors),
                    )
                found[coding] = (name, code)
        return found

    def _value_set_codes(
        self,
    ) -> tuple[dict[Coding, tuple[tuple[str, Strength], ...]], dict[tuple[str, Coding], str]]:
        found: dict[Coding, tuple[tuple[str, Strength], ...]] = {}
        values: dict[tuple[str, Coding], str] = {}
        for path, coding, rows in self._codes(branch(self.file.tree, "value_sets"), "value_sets"):
            for place, row in enumerate(rows):
                entry: dict[str, Tree] = row  # type: ignore[assignment] # the schema has checked the shape
                name = text(entry, "value_set")
                self._known(name, self.value_sets, f"{path}[{place}].value_set")
                strength = Strength(text(entry, "strength") or Strength.DEFINITE)
                found[coding] = (*found.get(coding, ()), (name, strength))
                value = text(entry, "value")
                if value:
                    values[name, coding] = value
        return found, values

    def _answers(self) -> Iterator[tuple[tuple[str, Coding], Interval | frozenset[str]]]:
        for name in branch(self.file.tree, "answers"):
            if self._known(name, self.scales, f"answers.{name}") not in self.scales:
                continue
            scale = self.scales[name]
            values = frozenset().union(
                *(value for value in scale.answers.values() if isinstance(value, frozenset))
            )
            section = f"answers.{name}"
            tree = branch(branch(self.file.tree, "answers"), name)
            for path, coding, answer in self._codes(tree, section):
                read = read_answer(answer, ordinal=scale.ordinal, values=values)
                if read is None:
                    self._problem(
                        path, f"not a value of {name}", expected_answer(scale.ordinal, values)
                    )
                else:
                    yield (name, coding), read

    def _specimens(self) -> Iterator[tuple[Coding, Coding]]:
        for path, local, entry in self._codes(branch(self.file.tree, "specimens"), "specimens"):
            standard = Coding(self.systems[text(entry, "system")], text(entry, "code"))
            problem = code_problem(standard)
            if problem:
                self._problem(f"{path}.code", problem)
            yield local, standard

    def _spellings(self) -> Iterator[tuple[tuple[str, str], str]]:
        """Yield local spellings; those under `all` hold where the analyte has the unit."""
        for name in branch(self.file.tree, "spellings"):
            for spelling, unit in branch(branch(self.file.tree, "spellings"), name).items():
                path = f"spellings.{name}.{spelling}"
                wanted = self.analytes if name == _EVERY else (name,)
                known = [
                    other
                    for other in wanted
                    if other in self.analytes and unit in self.analytes[other].units.factors
                ]
                if not known:
                    self._unit_problem(path, str(unit), name)
                for other in known:
                    yield (other, spelling), str(unit)

    def _unit_problem(self, path: str, unit: str, name: str) -> None:
        """Note a spelling whose analyte, or whose unit, does not exist."""
        if name != _EVERY and name not in self.analytes:
            message, known = f"{name} is not in the catalog", one_of(name, self.analytes)
        elif name == _EVERY:
            message, known = f"{unit} is not a unit of any analyte", "expected a unit of one"
        else:
            message = f"{unit} is not a unit of {name}"
            known = one_of(unit, self.analytes[name].units.factors)
        self._problem(path, message, known)

    def _default_units(self) -> Iterator[tuple[str, str]]:
        for name, unit in branch(self.file.tree, "default_units").items():
            path = f"default_units.{name}"
            if self._known(name, self.analytes, path) in self.analytes:
                factors = self.analytes[name].units.factors
                if unit not in factors:
                    self._problem(
                        path, f"{unit} is not a unit of {name}", one_of(str(unit), factors)
                    )
                yield name, str(unit)

    def _constants(self) -> Iterator[tuple[str, Decimal]]:
        for name in branch(self.file.tree, "constants"):
            path = f"constants.{name}"
            if self._known(name, self.analytes, path) not in self.analytes:
                continue
            entry = branch(branch(self.file.tree, "constants"), name)
            analyte = self.analytes[name]
            try:
                unit = analyte.units.read(text(entry, "unit")).ucum
            except AclfError as error:
                self._problem(f"{path}.unit", error.issues[0].message)
                continue
            sent = Interval.exact(number(entry, "value"))
            value = analyte.units.convert(sent, unit, analyte.unit).value
            if value is None or not analyte.plausible.contains(value):
                self._problem(f"{path}.value", f"outside what {name} can be")
            else:
                yield name, value
