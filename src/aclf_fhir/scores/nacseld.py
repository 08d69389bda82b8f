"""NACSELD-ACLF: a count of four organ failures, without a laboratory value."""

from collections.abc import Mapping
from decimal import Decimal

from aclf_fhir.scores.definition import (
    NO,
    YES,
    Band,
    Derivation,
    Score,
    ScoreInput,
    ScoreValue,
)
from aclf_fhir.scores.inputs import (
    HE_GRADE,
    MEAN_ARTERIAL_PRESSURE,
    RENAL_REPLACEMENT,
    VASOPRESSOR,
    VENTILATION,
)
from aclf_fhir.scores.result import ScoreResult
from aclf_fhir.scores.tables import Sum
from aclf_fhir.units import Interval

__all__ = ["NACSELD_ACLF", "nacseld_aclf"]

_SHOCK = ScoreInput(
    name="shock",
    concept="shock",
    kind="supplied",
    parameter="shock",
    title="Shock",
    values=(NO, YES),
)

_VENTILATED = ScoreInput(
    name="mechanical_ventilation",
    concept="mechanical_ventilation",
    kind="support",
    parameter="mechanical_ventilation",
    title="Invasive ventilation, for any reason",
    values=(NO, YES),
)

_NOTHING = frozenset({NO, YES})


def _derive(values: Mapping[str, ScoreValue]) -> Derivation:
    """Take shock and ventilation from what is known of them."""
    derived: dict[str, ScoreValue] = {
        name: values[name] for name in ("he_grade", "renal_replacement") if name in values
    }
    ventilation = values.get("ventilation")
    if isinstance(ventilation, frozenset):
        derived["mechanical_ventilation"] = frozenset(
            NO if code == "none" else YES for code in ventilation
        )
    shock, flags = _shock(values)
    derived["shock"] = shock
    return Derivation(derived, ("shock",) if shock == _NOTHING else (), flags)


def _shock(values: Mapping[str, ScoreValue]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Take shock as stated, else from the pressure and the vasopressors."""
    stated = values.get("shock")
    if isinstance(stated, frozenset) and stated != _NOTHING:
        return stated, ()
    pressure, vasopressor = values.get("mean_arterial_pressure"), values.get("vasopressor")
    high = pressure.at_least(Decimal(60)) if isinstance(pressure, Interval) else "unknown"
    given = vasopressor if isinstance(vasopressor, frozenset) else _NOTHING
    if high == "false" or NO not in given:
        return frozenset({YES}), ()
    if high == "true" and given == {NO}:
        return frozenset({NO}), ("systolic_fall_not_assessed",)
    return _NOTHING, ()


NACSELD_ACLF = Score(
    id="nacseld_aclf",
    version="1",
    title="NACSELD-ACLF",
    inputs=(
        _SHOCK.using(required=False),
        MEAN_ARTERIAL_PRESSURE.using("60", direction=-1, required=False),
        VASOPRESSOR.using(required=False),
        HE_GRADE,
        RENAL_REPLACEMENT,
        VENTILATION,
    ),
    arguments=(_SHOCK, HE_GRADE, RENAL_REPLACEMENT, _VENTILATED),
    derive=_derive,
    citation="Bajaj JS, et al. Hepatology 2014;60(1):250-256",
    doi="10.1002/hep.27077",
    verification="V2",
    formula="shock + encephalopathy of grade 3 to 4 + renal replacement + ventilation",
    bands=(Band.below("no ACLF", "2"), Band.above("ACLF", "2")),
    form="steps",
)


NACSELD_ACLF.spread = Sum(
    ("circulation", "brain", "kidney", "respiration"),
    (("circulation",), (_SHOCK,), lambda shock: (int(shock),)),
    (("brain",), (HE_GRADE,), lambda grade: (int(grade >= 3),)),
    (("kidney",), (RENAL_REPLACEMENT,), lambda on: (int(on),)),
    (("respiration",), (_VENTILATED,), lambda on: (int(on),)),
).spread


@NACSELD_ACLF.computed_by
def nacseld_aclf(
    *, shock: bool, he_grade: int, renal_replacement: bool, mechanical_ventilation: bool
) -> ScoreResult:
    """Count organ failures in a patient with cirrhosis and infection.

    ==================  ==============================================================
    Failure             Rule
    ==================  ==============================================================
    Circulation         shock: mean arterial pressure < 60 mm[Hg], or a systolic fall
                        of 40 mm[Hg] despite fluids; a vasopressor is accepted
    Brain               West Haven grade 3 to 4
    Kidney              renal replacement therapy
    Respiration         invasive ventilation, whatever the reason
    ==================  ==============================================================

    Two failures or more are ACLF.

    Parameters
    ----------
    shock
        As above.
    he_grade
        West Haven grade, 0 to 4.
    renal_replacement
        Any renal replacement therapy.
    mechanical_ventilation
        Invasive ventilation.

    Returns
    -------
    ScoreResult
        `ok`: 0 to 4 failures, `ACLF` or `no ACLF`, 0 or 1 per organ.

    References
    ----------
    Bajaj JS, et al. Hepatology 2014;60(1):250-256. doi:10.1002/hep.27077
    """
    points = {
        "circulation": int(shock),
        "brain": int(he_grade >= 3),
        "kidney": int(renal_replacement),
        "respiration": int(mechanical_ventilation),
    }
    return NACSELD_ACLF.result(sum(points.values()), components=points)
