"""The kinds of criterion, and how the data of a protocol become them.

To add a kind: one class (a `Node`), one reader in `KINDS`, its shape in
`mappings/schemas/trial.schema.json`, its tests; a clinician reviews it.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.record import FactKind
from aclf_fhir.trial.changes import LabRatio, LabRise
from aclf_fhir.trial.coded import Coded
from aclf_fhir.trial.combined import AllOf, AnyOf, AtLeast, Not, Suggests
from aclf_fhir.trial.measured import Grade, Lab, Limits
from aclf_fhir.trial.medications import Medication, OrganSupport
from aclf_fhir.trial.node import Answered, Attestation, Node
from aclf_fhir.trial.periods import Period, parse_period
from aclf_fhir.trial.person import Age, Consent, GradeAtConsent, Participation, Sex
from aclf_fhir.trial.scored import ScoreCourse, ScoreLimit

__all__ = ["KINDS", "Reader", "parse_quantity"]

_QUANTITY = re.compile(r"(-?\d+(?:\.\d+)?) (\S+)")
_YEARS = re.compile(r"(\d+) a")
_LIMITS = {"min": "minimum", "max": "maximum", "gt": "above", "lt": "below"}

Data = Mapping[str, Any]


def parse_quantity(text: str, where: str = "") -> tuple[Decimal, str]:
    """Parse `170 umol/L` into number and unit."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise AclfError.of(
            Category.INVALID, where, f"{text!r} is no quantity", "write `170 umol/L`"
        )
    return Decimal(match[1]), match[2]


class Reader:
    """Reads the criteria of one protocol; knows where it is, for error messages.

    Parameters
    ----------
    source
        File the data came from.
    max_span
        The protocol's own limit on the span of a score's inputs, or None.
    """

    def __init__(self, source: str, max_span: timedelta | None = None) -> None:
        self.source = source
        self.max_span = max_span

    def node(self, data: Data, where: str) -> Node:
        """Read one criterion, or a part of one."""
        kinds = [key for key in data if key in KINDS]
        if len(kinds) != 1:
            raise self.wrong(where, f"one kind of criterion is needed, not {len(kinds)}")
        (kind,) = kinds
        common: dict[str, Any] = {"case": data.get("case", ""), "part": data.get("part", "")}
        if "ask" in data:
            asked = data["ask"] if isinstance(data["ask"], list) else [data["ask"]]
            common["ask"] = tuple(self.attestation(each, f"{where}.ask") for each in asked)
        if "cleared_by" in data:
            common["cleared_by"] = self.node(data["cleared_by"], f"{where}.cleared_by")
        return KINDS[kind](self, data[kind], f"{where}.{kind}", common)

    def nodes(self, data: list[Data], where: str) -> tuple[Node, ...]:
        """Read a list of criteria."""
        return tuple(self.node(each, f"{where}[{index}]") for index, each in enumerate(data))

    def wrong(self, where: str, what: str, remedy: str = "") -> AclfError:
        """Return an error at a place in the file."""
        return AclfError.of(Category.INVALID, f"{self.source}: {where}", what, remedy)

    def period(self, text: str, where: str) -> Period:
        """Read a period."""
        return parse_period(text, f"{self.source}: {where}")

    def delta(self, data: Data, key: str, where: str) -> timedelta | None:
        """Read an exact period that may be absent."""
        return self.period(data[key], f"{where}.{key}").delta if key in data else None

    def limits(self, data: Data, where: str) -> tuple[Limits, str]:
        """Read limits with one unit."""
        found: dict[str, Decimal] = {}
        units: set[str] = set()
        for key, name in _LIMITS.items():
            if key not in data:
                continue
            value = data[key]
            if isinstance(value, str):
                value, unit = parse_quantity(value, f"{self.source}: {where}.{key}")
                units.add(unit)
            found[name] = Decimal(value)
        if not found:
            raise self.wrong(where, "a limit is needed", "give min, max, gt or lt")
        if len(units) > 1:
            raise self.wrong(where, "all limits of one criterion have one unit")
        return Limits(**found), next(iter(units), "")

    def attestation(self, data: Data, where: str) -> Attestation:
        """Read which answers decide."""
        numbers: dict[str, Any] = {
            name: Decimal(data[key]) for key, name in _LIMITS.items() if key in data
        }
        if "within" in data:
            numbers["within"] = self.period(data["within"], f"{where}.within")
        return Attestation(
            item=data["item"],
            met=frozenset(data.get("met", ())),
            not_met=frozenset(data.get("not_met", ())),
            **numbers,
        )


def _years(reader: Reader, text: str, where: str) -> int:
    match = _YEARS.fullmatch(text)
    if match is None:
        raise reader.wrong(where, f"{text!r} is no age", "write `18 a`")
    return int(match[1])


def _age(reader: Reader, data: Data, where: str, common: Data) -> Node:
    years: dict[str, Any] = {
        name: _years(reader, data[key], f"{where}.{key}")
        for key, name in (("min", "minimum"), ("max", "maximum"))
        if key in data
    }
    return Age(**years, **common)


def _sex(reader: Reader, data: Data, where: str, common: Data) -> Node:
    labs = {
        name: parse_quantity(limit, f"{reader.source}: {where}.contradicted_by_labs.{name}")
        for name, limit in data.get("contradicted_by_labs", {}).items()
    }
    return Sex(
        name=data["is"],
        contradicted_by=tuple(data.get("contradicted_by", ())),
        contradicted_by_labs=labs,
        **common,
    )


def _coded(kind: FactKind) -> Callable[[Reader, Data, str, Data], Node]:
    def read(reader: Reader, data: Data, where: str, common: Data) -> Node:
        options: dict[str, Any] = {}
        for key in ("within", "absent_within", "present_within"):
            if key in data:
                options[key] = reader.period(data[key], f"{where}.{key}")
        if "values" in data:
            options["values"] = frozenset(data["values"])
        onset = "began_within" in data
        if onset and ("within" in data or "when" in data):
            raise reader.wrong(where, "began_within is a window of its own")
        if onset:
            options["within"] = reader.period(data["began_within"], f"{where}.began_within")
        when = data.get("when", "window" if "within" in options else "current")
        if "present_within" in data and when != "current":
            raise reader.wrong(where, "present_within belongs to `when: current`")
        return Coded(
            kind=kind,
            name=data["name"],
            when=when,
            past=data.get("past", "review"),
            onset=onset,
            touching=data.get("touching", "") == "counts",
            active_counts=data.get("active", "") == "counts",
            flag=data.get("flag", ""),
            **options,
            **common,
        )

    return read


def _lab(reader: Reader, data: Data, where: str, common: Data) -> Node:
    limits, unit = reader.limits(data, where)
    multiple = unit == "ULN"
    return Lab(
        name=data["name"],
        unit="" if multiple else unit,
        limits=limits,
        max_age=reader.delta(data, "max_age", where),
        times_upper_limit=multiple,
        **common,
    )


def _lab_rise(reader: Reader, data: Data, where: str, common: Data) -> Node:
    limits, unit = reader.limits(data["per_day"], f"{where}.per_day")
    apart = data["apart"]
    return LabRise(
        name=data["name"],
        unit=unit,
        limits=limits,
        apart_min=reader.period(apart["min"], f"{where}.apart.min").delta,
        apart_max=reader.period(apart["max"], f"{where}.apart.max").delta,
        max_age=reader.delta(data, "max_age", where),
        **common,
    )


def _lab_ratio(reader: Reader, data: Data, where: str, common: Data) -> Node:
    limits, _ = reader.limits(data, where)
    baseline = reader.period(data["baseline"], f"{where}.baseline").delta
    return LabRatio(name=data["name"], limits=limits, baseline=baseline, **common)


def _grade(reader: Reader, data: Data, where: str, common: Data) -> Node:
    options: dict[str, Any] = {"codes": frozenset(data.get("in", ()))}
    if "in" not in data:
        options["limits"], _ = reader.limits(data, where)
    return Grade(
        name=data["name"],
        max_age=reader.delta(data, "max_age", where),
        doubted_by=tuple(data.get("doubted_by", ())),
        **options,
        **common,
    )


def _grade_at_consent(reader: Reader, data: Data, where: str, common: Data) -> Node:
    limits, _ = reader.limits(data, where)
    return GradeAtConsent(
        name=data["name"],
        limits=limits,
        around=reader.period(data["around"], f"{where}.around"),
        doubted_by=tuple(data.get("doubted_by", ())),
        **common,
    )


def _score(reader: Reader, data: Data, where: str, common: Data) -> Node:
    span = reader.delta(data, "max_span", where) or reader.max_span
    if "in" in data:
        categories = frozenset(data["in"])
        return ScoreLimit(name=data["name"], categories=categories, max_span=span, **common)
    limits, _ = reader.limits(data, where)
    return ScoreLimit(
        name=data["name"],
        limits=limits,
        rounded=data.get("compare", "rounded") == "rounded",
        max_span=span,
        **common,
    )


def _score_course(reader: Reader, data: Data, where: str, common: Data) -> Node:
    return ScoreCourse(
        name=data["name"],
        low=frozenset(data["low"]),
        none=frozenset(data["none"]),
        apart=reader.period(data["apart"], f"{where}.apart").delta,
        within=reader.period(data["within"], f"{where}.within"),
        improvement={name: Decimal(fall) for name, fall in data["improvement"].items()},
        **common,
    )


def _medication(reader: Reader, data: Data, where: str, common: Data) -> Node:
    return Medication(
        names=tuple(data["names"]),
        within=reader.period(data["within"], f"{where}.within"),
        routes_ignored=frozenset(data.get("routes_ignored", ())),
        flag=data.get("flag", ""),
        **common,
    )


def _organ_support(reader: Reader, data: Data | str, where: str, common: Data) -> Node:
    if isinstance(data, str):
        return OrganSupport(name=data, **common)
    within = reader.period(data["within"], f"{where}.within") if "within" in data else None
    return OrganSupport(name=data["name"], within=within, **common)


def _participation(reader: Reader, data: Data, where: str, common: Data) -> Node:
    return Participation(
        within=reader.period(data["within"], f"{where}.within"),
        active=frozenset(data["active"]),
        ended=frozenset(data["ended"]),
        **common,
    )


def _consent(_: Reader, data: str, where: str, common: Data) -> Node:
    del where
    return Consent(status=data, **common)


def _attested(reader: Reader, data: Data, where: str, common: Data) -> Node:
    found = reader.attestation(data, where)
    return Attestation(
        item=found.item,
        met=found.met,
        not_met=found.not_met,
        within=found.within,
        minimum=found.minimum,
        maximum=found.maximum,
        **common,
    )


def _answered(_: Reader, data: Data, where: str, common: Data) -> Node:
    del where
    return Answered(item=data["item"], met=frozenset(data["met"]), **common)


def _all_of(reader: Reader, data: list[Data], where: str, common: Data) -> Node:
    return AllOf(nodes=reader.nodes(data, where), **common)


def _any_of(reader: Reader, data: list[Data], where: str, common: Data) -> Node:
    return AnyOf(nodes=reader.nodes(data, where), **common)


def _any_of_flagged(reader: Reader, data: list[Data], where: str, common: Data) -> Node:
    return AnyOf(nodes=reader.nodes(data, where), flag_disagreement=True, **common)


def _not(reader: Reader, data: Data, where: str, common: Data) -> Node:
    return Not(node=reader.node(data, where), **common)


def _suggests(reader: Reader, data: Data, where: str, common: Data) -> Node:
    return Suggests(node=reader.node(data, where), **common)


def _at_least(reader: Reader, data: Data, where: str, common: Data) -> Node:
    nodes = reader.nodes(data["of"], f"{where}.of")
    return AtLeast(count=int(data["count"]), nodes=nodes, **common)


KINDS: dict[str, Callable[[Reader, Any, str, Data], Node]] = {
    "age": _age,
    "sex": _sex,
    "finding": _coded(FactKind.FINDING),
    "procedure": _coded(FactKind.PROCEDURE),
    "medication": _medication,
    "organ_support": _organ_support,
    "lab": _lab,
    "lab_rise": _lab_rise,
    "lab_ratio": _lab_ratio,
    "grade": _grade,
    "grade_at_consent": _grade_at_consent,
    "score": _score,
    "score_course": _score_course,
    "participation": _participation,
    "consent": _consent,
    "attested": _attested,
    "answered": _answered,
    "all_of": _all_of,
    "any_of": _any_of,
    "any_of_flagged": _any_of_flagged,
    "not": _not,
    "at_least": _at_least,
    "suggests": _suggests,
}
"""How each kind is read; the key is the word in the protocol's file."""
