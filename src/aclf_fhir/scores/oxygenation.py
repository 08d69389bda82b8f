"""Oxygenation: PaO2/FiO2, and SpO2/FiO2 where no arterial gas was drawn."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from aclf_fhir.scores.definition import Derivation, Score, ScoreInput, ScoreValue
from aclf_fhir.scores.inputs import FIO2, PAO2, PAO2_FIO2, SPO2
from aclf_fhir.scores.result import ScoreResult
from aclf_fhir.units import Interval

__all__ = [
    "MISSING_RATIO",
    "OXYGENATION_INPUTS",
    "RESPIRATORY_RATIO",
    "derive_ratio",
    "limits_reached",
    "ratio_arguments",
    "respiratory_ratio",
]

MISSING_RATIO = "respiratory_ratio"
"""Reported as missing where no ratio can be formed."""

OXYGENATION_INPUTS: tuple[ScoreInput, ...] = (
    PAO2.using(required=False, direction=-1),
    SPO2.using(required=False, direction=-1),
    FIO2.using(required=False, direction=1),
    PAO2_FIO2.using(required=False, direction=-1),
)

# Above it the dissociation curve is flat and the ratio says little about the lung.
_FLAT_SATURATION = Decimal(97)

_SPO2_FIO2 = replace(
    PAO2_FIO2,
    name="spo2_fio2",
    concept="spo2_fio2",
    parameter="spo2_fio2",
    title="SpO2/FiO2",
    unit="%",
    loinc=None,
)


def ratio_arguments(
    *, pao2_cuts: tuple[str, ...], spo2_cuts: tuple[str, ...]
) -> tuple[ScoreInput, ScoreInput]:
    """Return the two ratios as arguments of a score, with its own cut-offs."""
    return (
        PAO2_FIO2.using(*pao2_cuts, required=False, direction=-1),
        _SPO2_FIO2.using(*spo2_cuts, required=False, direction=-1),
    )


def derive_ratio(values: Mapping[str, ScoreValue]) -> Derivation:
    """Put one oxygenation ratio in place of the gases it is made of.

    The order is: PaO2/FiO2 of one gas, a PaO2/FiO2 as reported, SpO2/FiO2. Without
    FiO2 the ratio is missing and bounded by every fraction there is; room air is
    never assumed.
    """
    rest = {
        name: value
        for name, value in values.items()
        if name not in ("pao2", "spo2", "fio2", "pao2_fio2")
    }
    pao2, spo2, fio2 = (_number(values.get(name)) for name in ("pao2", "spo2", "fio2"))
    reported = _number(values.get("pao2_fio2"))
    if pao2 is not None and fio2 is not None:
        return Derivation(rest | {"pao2_fio2": _quotient(pao2, fio2)})
    if reported is not None:
        return Derivation(rest | {"pao2_fio2": reported})
    if spo2 is not None and fio2 is not None:
        flags = ["spo2_surrogate"]
        if spo2.above(_FLAT_SATURATION) == "true":
            flags.append("spo2_above_97")
        return Derivation(rest | {"spo2_fio2": _quotient(spo2, fio2)}, flags=tuple(flags))
    every_fraction = Interval(FIO2.low, FIO2.high)
    if pao2 is not None:
        return Derivation(
            rest | {"pao2_fio2": _quotient(pao2, every_fraction)}, missing=(MISSING_RATIO,)
        )
    every_ratio = Interval(PAO2_FIO2.low, PAO2_FIO2.high)
    return Derivation(rest | {"pao2_fio2": every_ratio}, missing=(MISSING_RATIO,))


def limits_reached(
    pao2_fio2_mm_hg: Decimal | None,
    spo2_fio2: Decimal | None,
    *,
    pao2: tuple[int, ...],
    spo2: tuple[int, ...],
) -> int:
    """Count the limits a ratio lies at or below, with the limits of its own kind."""
    if pao2_fio2_mm_hg is not None:
        return sum(pao2_fio2_mm_hg <= limit for limit in pao2)
    if spo2_fio2 is not None:
        return sum(spo2_fio2 <= limit for limit in spo2)
    message = "PaO2/FiO2 or SpO2/FiO2 is needed"
    raise ValueError(message)


def _number(value: ScoreValue) -> Interval | None:
    return value if isinstance(value, Interval) else None


def _quotient(above: Interval, below: Interval) -> Interval:
    """Divide two intervals of positive numbers, within what the inputs accept."""
    low = None if above.low is None or below.high is None else above.low / below.high
    high = None if above.high is None or below.low is None else above.high / below.low
    if low is not None and above.low is above.high and below.low is below.high:
        return Interval(low, low)
    return Interval(
        low, high, above.low_closed and below.high_closed, above.high_closed and below.low_closed
    )


RESPIRATORY_RATIO = Score(
    id="respiratory_ratio",
    version="1",
    title="Oxygenation ratio",
    inputs=(
        PAO2.using(required=False),
        SPO2.using(required=False),
        FIO2.using(required=False, direction=-1),
        PAO2_FIO2.using(required=False),
    ),
    arguments=(PAO2_FIO2.using(required=False), _SPO2_FIO2.using(required=False)),
    derive=derive_ratio,
    citation="Moreau R, et al. Gastroenterology 2013;144(7):1426-1437",
    doi="10.1053/j.gastro.2013.02.042",
    verification="V2",
    formula="PaO2 / FiO2 in mm[Hg], else SpO2 / FiO2 in percent; FiO2 as a fraction",
    unit="",
    places=1,
)


@RESPIRATORY_RATIO.computed_by
def respiratory_ratio(
    *, pao2_fio2_mm_hg: Decimal | None = None, spo2_fio2: Decimal | None = None
) -> ScoreResult:
    """Say which oxygenation ratio a patient has.

    PaO2/FiO2 where there is one, else SpO2/FiO2. The cut-offs of SpO2/FiO2
    (512, 357, 214, 89) stand for those of PaO2/FiO2 (400, 300, 200, 100).

    Parameters
    ----------
    pao2_fio2_mm_hg
        Arterial oxygen pressure over inspired fraction, mm[Hg] (LOINC 50984-4).
    spo2_fio2
        Saturation in percent over inspired fraction.

    Returns
    -------
    ScoreResult
        `ok`: the ratio; `kind` in the details says which.

    References
    ----------
    Moreau R, et al. Gastroenterology 2013;144(7):1426-1437. doi:10.1053/j.gastro.2013.02.042
    """
    if pao2_fio2_mm_hg is not None:
        return RESPIRATORY_RATIO.result(pao2_fio2_mm_hg, details={"kind": "PaO2/FiO2"})
    if spo2_fio2 is not None:
        return RESPIRATORY_RATIO.result(spo2_fio2, details={"kind": "SpO2/FiO2"})
    message = "PaO2/FiO2 or SpO2/FiO2 is needed"
    raise ValueError(message)
