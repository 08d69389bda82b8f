"""Recompute worked cases and say where the results differ.

A site runs it to qualify its installation. The cases go through the engine of the
gateway: the catalog's unit tables, `scores.compute`, and the criteria of the
protocols. What is written here is how a case file spells its inputs, nothing more;
the module is long for its tables of names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.evaluation import EvaluationRules
from aclf_fhir.scores import SCORES, Score, ScoreResult, compute, input_error
from aclf_fhir.scores.definition import NO, YES, ScoreInput, ScoreValue
from aclf_fhir.trial.cases import evaluate_case, find_case
from aclf_fhir.units import Interval

if TYPE_CHECKING:
    from aclf_fhir.catalog import Catalog
    from aclf_fhir.scores import Reason
    from aclf_fhir.units.quantity import UnitTable

__all__ = ["Difference", "VerifyReport", "criterion_case", "verify_cases"]

_CONVERSION = "unit_conversion"

# How a case file calls what the scores and the catalog call otherwise.
_INPUT_NAMES = {
    "bun": "urea",
    "increase_48h_mg_dl": "increase_48h",
    "mechanical_ventilation": "ventilation",
    "map": "mean_arterial_pressure",
    "pt_control_s": "pt_control",
    "pt_mean_normal_s": "pt_mean_normal",
    "pt_prolongation_s": "pt_prolongation",
    "pt_s": "prothrombin_time",
    "pta_percent": "prothrombin_activity",
    "rrt": "renal_replacement",
    "vasopressors": "vasopressor",
    "wbc": "leukocytes",
}
_ANALYTES = {
    "afp": "alpha_fetoprotein",
    "bilirubin": "bilirubin_total",
    "bun": "urea_nitrogen",
    "map": "mean_arterial_pressure",
    "pt": "prothrombin_time",
    "pta": "prothrombin_activity",
    "wbc": "leukocytes",
}

# Quantities a case file writes without a unit, because its key or its nature says it.
_PLAIN = frozenset({
    "inr", "map", "spo2", "fio2", "pt_s", "pt_control_s", "pt_mean_normal_s",
    "pt_prolongation_s", "pta_percent", "increase_48h_mg_dl", "isi", "pao2_fio2",
    "days_from_jaundice_to_decompensation", "bilirubin_rise",
})  # fmt: skip

# Support that is documented as not present where a case does not mention it.
_NOT_PRESENT = {
    "dialysis": NO,
    "renal_replacement": NO,
    "shock": NO,
    "ventilation": "none",
}

_VENTILATION_REASONS = {
    "hepatic_encephalopathy": "hepatic_encephalopathy",
    "respiratory_failure": "other",
}

_TOLERANCE = Decimal("0.0001")
_WITHIN_TOLERANCE = frozenset(
    {"value", "R", "ratio", "mortality", "unscaled", "daily_rise", "possible_range"}
)
_NAME_LISTS = frozenset({"missing", "organ_failures", "possible_grades", "flags"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing a case expects and the engine does not give.

    Parameters
    ----------
    case
        Id of the case.
    key
        What was compared, e.g. `rounded`.
    expected, found
        The two values as text.
    """

    case: str
    key: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.case}: {self.key}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a run over all cases found.

    Parameters
    ----------
    passed
        Ids of the cases without a difference.
    differences
        Every difference of every failed case.
    unsupported
        Ids of the cases nothing here can compute.
    """

    passed: tuple[str, ...]
    differences: tuple[Difference, ...]
    unsupported: tuple[str, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """Ids of the cases with a difference, in their order."""
        return tuple(dict.fromkeys(difference.case for difference in self.differences))

    @property
    def is_clean(self) -> bool:
        """Whether every case passed."""
        return not self.differences and not self.unsupported

    @property
    def summary(self) -> str:
        """One line for the end."""
        counts = len(self.passed), len(self.failed), len(self.unsupported)
        return "{} cases: {} passed, {} failed, {} not supported".format(sum(counts), *counts)

    @property
    def lines(self) -> tuple[str, ...]:
        """A line per difference and per case not supported, then the summary."""
        unsupported = (f"{case}: not supported" for case in self.unsupported)
        return (*map(str, self.differences), *unsupported, self.summary)


def verify_cases(cases: Mapping[str, object], *, catalog: "Catalog") -> VerifyReport:
    """Recompute worked cases.

    Parameters
    ----------
    cases
        The content of a case file: a list of cases under `cases`, each with `id`,
        `score`, `inputs` and `expected`. Numbers are best read as `Decimal`.
    catalog
        The unit tables and protocols of the installation.

    Returns
    -------
    VerifyReport
        What passed, what differs, what is not supported; a case whose inputs cannot be
        read has failed. `AclfError` (invalid) if the file has no list of cases or a case
        lacks one of its parts.
    """
    passed: list[str] = []
    differences: list[Difference] = []
    unsupported: list[str] = []
    listed = cases.get("cases")
    if not isinstance(listed, list):
        raise AclfError.of(Category.INVALID, "cases", "the file has no list of cases")
    for index, case in enumerate(listed):
        _check_case(case, index)
        try:
            found = _recompute(case, catalog)
        except AclfError as error:
            text = _text(case["expected"])
            differences.append(Difference(case["id"], "inputs", text, str(error)))
            continue
        if found is None:
            unsupported.append(case["id"])
            continue
        differing = [
            Difference(case["id"], key, _text(expected), _text(found.get(key)))
            for key, expected in case["expected"].items()
            if not _agrees(key, expected, found.get(key))
        ]
        differences += differing
        if not differing:
            passed.append(case["id"])
    return VerifyReport(tuple(passed), tuple(differences), tuple(unsupported))


def criterion_case(case: Mapping[str, Any], catalog: "Catalog") -> Mapping[str, object] | None:
    """Recompute a case that names a criterion of a protocol.

    Parameters
    ----------
    case
        A case whose `score` is no score.
    catalog
        The protocols of the installation.

    Returns
    -------
    Mapping[str, object] | None
        What was found, by the keys of `expected`; None where no criterion carries the id.
    """
    found = find_case(catalog.protocols.values(), str(case["score"]), case["inputs"])
    if found is None:
        return None
    rules = EvaluationRules(analytes=catalog.analytes, scales=catalog.scales)
    return evaluate_case(*found, case["inputs"], rules)


def _check_case(case: object, index: int) -> None:
    """Refuse a case that lacks one of its parts."""
    where = f"cases[{index}]"
    if not isinstance(case, dict):
        raise AclfError.of(Category.INVALID, where, "a case is an object")
    for key, kind in (("id", str), ("score", str), ("inputs", dict), ("expected", dict)):
        if not isinstance(case.get(key), kind):
            raise AclfError.of(
                Category.INVALID, f"{where}.{key}", f"a case has {key} as {kind.__name__}"
            )


def _recompute(case: Mapping[str, Any], catalog: "Catalog") -> Mapping[str, object] | None:
    """Return what the engine finds, by the keys a case may expect."""
    score_id, inputs = case["score"], case["inputs"]
    if score_id == _CONVERSION:
        return _convert(inputs, catalog)
    score = SCORES.get(str(score_id))
    if score is None:
        return criterion_case(case, catalog)
    values: dict[str, ScoreValue] = {}
    for key, raw in _inputs_of(score, inputs).items():
        name = _INPUT_NAMES.get(key, key)
        value = _read(key, score.input(name), raw, catalog)
        if isinstance(value, str):
            return _observed(input_error(score.id, value, name))
        values[name] = value
    return _observed(compute(score.id, values))


def _convert(inputs: Mapping[str, object], catalog: "Catalog") -> Mapping[str, object] | None:
    """Convert one value; an analyte the catalog does not have is not supported."""
    for key in ("analyte", "value", "to"):
        if inputs.get(key) is None:
            raise AclfError.of(Category.INVALID, key, f"a conversion needs {key}")
    table = _table(str(inputs["analyte"]), catalog)
    if table is None:
        return None
    value, unit, target = _decimal(inputs["value"]), inputs.get("unit"), str(inputs["to"])
    if not unit:
        return {"status": "error", "reason": "missing_unit"}
    try:
        read = table.read(str(unit)).ucum
        return {"status": "ok", "value": table.convert_number(value, read, target)}
    except AclfError:
        return {"status": "error", "reason": "unsupported_unit"}


def _inputs_of(score: Score, inputs: Mapping[str, object]) -> dict[str, object]:
    """Return a case's inputs under one key each, with the support it need not mention."""
    declared = {each.name for each in score.inputs}
    found = {name: code for name, code in _NOT_PRESENT.items() if name in declared}
    raw: dict[str, object] = dict(found)
    for key, value in inputs.items():
        if key == "vasoactives":
            raw |= _vasoactives(score, value)
        elif key == "mechanical_ventilation":
            raw["ventilation"] = _ventilation(value)
        else:
            raw.pop(_INPUT_NAMES.get(key, key), None)
            raw[key] = value
    # A case may describe more of a patient than one score asks for.
    return {key: value for key, value in raw.items() if _INPUT_NAMES.get(key, key) in declared}


def _vasoactives(score: Score, doses: object) -> dict[str, object]:
    """Return the drugs of a case: what it does not list is not given."""
    if doses is None:
        return {}
    given = dict(doses) if isinstance(doses, Mapping) else {}
    named = {each.concept: each for each in score.inputs if each.concept in _DRUGS}
    raw: dict[str, object] = {}
    for drug, declared in named.items():
        dose = given.pop(drug, 0)
        raw[declared.name] = _decimal(dose) > 0 if declared.values else dose
    raw["other_vasopressor"] = any(_decimal(dose) > 0 for dose in given.values())
    return raw


_DRUGS = frozenset({"dopamine", "epinephrine", "norepinephrine", "dobutamine", "terlipressin"})
_VASOACTIVES = frozenset({
    "dopamine_ug_kg_min", "epinephrine_ug_kg_min", "norepinephrine_ug_kg_min", "dobutamine",
    "terlipressin", "other_vasopressor",
})  # fmt: skip


def _ventilation(value: object) -> str | None:
    """Return the code of a reason of ventilation."""
    if value is None:
        return None
    if value is False:
        return "none"
    return _VENTILATION_REASONS.get(str(value), "unknown_reason")


def _read(key: str, declared: ScoreInput, raw: object, catalog: "Catalog") -> "ScoreValue | Reason":
    """Return the value of one input, or why it has none."""
    if raw is None:
        return None
    if isinstance(raw, bool):
        return frozenset({YES if raw else NO})
    if isinstance(raw, str):
        return frozenset({raw})
    if isinstance(raw, Mapping):
        return _quantity(key, declared, raw, catalog)
    needs_unit = declared.kind in ("analyte", "course") and key not in _PLAIN
    return "missing_unit" if needs_unit else Interval.exact(_decimal(raw))


def _quantity(
    key: str, declared: ScoreInput, raw: Mapping[str, object], catalog: "Catalog"
) -> "ScoreValue | Reason":
    """Convert a value with a unit straight to the unit of the input."""
    if raw.get("value") is None:
        return None
    table = _table(key, catalog) or _table(declared.concept, catalog)
    unit = raw.get("unit")
    if not unit and not (table and table.unitless):
        return "missing_unit"
    if table is None:
        return "unsupported_unit"
    value = _decimal(raw["value"])
    comparator = raw.get("comparator")
    sent = Interval.from_comparator(str(comparator), value) if comparator else Interval.exact(value)
    try:
        return table.convert(sent, table.read(str(unit or "")).ucum, declared.unit)
    except AclfError:
        return "unsupported_unit"


def _table(name: str, catalog: "Catalog") -> "UnitTable | None":
    """Return the unit table of an analyte under the name a case gives it."""
    analyte = catalog.analytes.get(_ANALYTES.get(name, name))
    return None if analyte is None else analyte.units


def _observed(result: ScoreResult) -> dict[str, object]:
    """Return a result under the keys a case may expect."""
    bounds = result.bounds
    return {
        **result.details,
        "status": result.status,
        "value": result.value,
        "rounded": result.rounded,
        "category": result.category,
        "components": dict(result.components),
        "missing": result.missing,
        "flags": result.flags,
        "reason": result.reason,
        "possible_grades": result.possible,
        "possible_range": None if bounds is None else [bounds.low, bounds.high],
    }


def _agrees(key: str, expected: object, found: object) -> bool:
    """Compare one expected value with what was found, by the rules of case files."""
    if key in _NAME_LISTS and isinstance(expected, list) and isinstance(found, Sequence):
        return set(map(_name, expected)) == set(map(_name, found))
    if key == "field":
        return _name(expected) == _name(found)
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        return expected.keys() <= found.keys() and all(
            _agrees(key, each, found[name]) for name, each in expected.items()
        )
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(
            _agrees(key, each, other) for each, other in zip(expected, found, strict=True)
        )
    if _is_number(expected) and _is_number(found):
        apart = abs(_decimal(expected) - _decimal(found))
        return apart <= _TOLERANCE if key in _WITHIN_TOLERANCE else apart == 0
    return type(expected) is type(found) and expected == found


def _name(value: object) -> str:
    name = str(value)
    return "vasoactives" if name in _VASOACTIVES else _INPUT_NAMES.get(name, name)


def _is_number(value: object) -> bool:
    return isinstance(value, Decimal | int | float) and not isinstance(value, bool)


def _decimal(value: object) -> Decimal:
    """Read a number of a case file; a float enters through its shortest text."""
    if isinstance(value, Decimal):
        return value
    if not _is_number(value):
        raise AclfError.of(Category.INVALID, "", f"{value!r} is not a number")
    return Decimal(repr(value))


def _text(value: object) -> str:
    """Write a value of either side alike."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_text(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_text, value)) + "]"
    return str(value)
