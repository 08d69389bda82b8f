"""Acute kidney injury by creatinine: KDIGO and the International Club of Ascites.

Long, because every function carries its whole table and its sources.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Literal, NamedTuple, TypeVar

from aclf_fhir.scores.corners import codes_of, representatives, spread
from aclf_fhir.scores.definition import NO, YES, Score, ScoreInput, ScoreValue
from aclf_fhir.scores.inputs import CREATININE, RENAL_REPLACEMENT
from aclf_fhir.scores.result import ScoreResult
from aclf_fhir.units import Interval, round_half_up

__all__ = [
    "ICA_AKI",
    "ICA_AKI_RESPONSE",
    "KDIGO_AKI_CREATININE",
    "IcaStage",
    "TimedCreatinine",
    "exact_ica_stages",
    "ica_aki",
    "ica_aki_response",
    "ica_baseline",
    "kdigo_aki_creatinine",
    "kdigo_baseline",
    "rise_in_48_hours",
    "rises_in_48_hours",
]

IcaStage = Literal["0", "1A", "1B", "2", "3"]

_STAGES: tuple[IcaStage, ...] = ("0", "1A", "1B", "2", "3")
_RISE = Decimal("0.3")
_ONE_AND_A_HALF = Decimal("1.5")
_Stage = TypeVar("_Stage", int, IcaStage)
_NOT_REPLACED = frozenset({NO})
_RATIOS = (_ONE_AND_A_HALF, Decimal(2), Decimal(3))

_BASELINE = replace(
    CREATININE,
    name="baseline",
    kind="course",
    parameter="baseline_mg_dl",
    title="Baseline creatinine",
    direction=-1,
    cuts=(),
)

_INCREASE_48H = ScoreInput(
    name="increase_48h",
    concept="creatinine",
    kind="course",
    parameter="increase_48h_mg_dl",
    title="Rise of creatinine within 48 h",
    unit="mg/dL",
    low=Decimal(-50),
    high=Decimal(50),
    cuts=(_RISE,),
    required=False,
)

_INPUTS = (
    _BASELINE,
    CREATININE.using("1.5", "4"),
    _INCREASE_48H,
    RENAL_REPLACEMENT.using(required=False, direction=0),
)


def _flags(increase_48h: object) -> tuple[str, ...]:
    """Say that no two values within 48 h were compared."""
    return ("no_pair_within_48_h",) if increase_48h is None else ()


def _kdigo_stage(
    ratio: Decimal, creatinine_mg_dl: Decimal, *, rise: bool, renal_replacement: bool
) -> int:
    """Stage one patient; the table stands in `kdigo_aki_creatinine`."""
    acute = rise or ratio >= _ONE_AND_A_HALF
    if renal_replacement or ratio >= 3 or (acute and creatinine_mg_dl >= 4):
        return 3
    return 2 if ratio >= 2 else int(acute)


def _ica_stage(
    ratio: Decimal, creatinine_mg_dl: Decimal, *, rise: bool, renal_replacement: bool
) -> IcaStage:
    """Stage one patient; the table stands in `ica_aki`."""
    acute = rise or ratio >= _ONE_AND_A_HALF
    if renal_replacement or ratio > 3 or (acute and creatinine_mg_dl >= 4):
        return "3"
    if ratio > 2:
        return "2"
    if not acute:
        return "0"
    return "1A" if creatinine_mg_dl < _ONE_AND_A_HALF else "1B"


def _outcomes(
    score: Score, values: Mapping[str, ScoreValue], stage_of: Callable[..., _Stage]
) -> set[_Stage]:
    """Return the possible stages: every creatinine with every baseline.

    The limits on the ratio are lines through the origin. Between two creatinines at
    which such a line meets an end of the baseline, the stages on offer do not change.
    """
    baseline: ScoreInput = score.input("baseline")
    creatinine: ScoreInput = score.input("creatinine")
    baselines = representatives(baseline, values.get("baseline"))
    cuts: list[Decimal] = [*creatinine.cuts]
    cuts += [limit * end for limit in _RATIOS for end in (baselines[0], baselines[-1])]
    rises = {False}
    if values.get("increase_48h") is not None:
        increases = representatives(_INCREASE_48H, values["increase_48h"])
        rises = {increase >= _RISE for increase in increases}
    replaced = {False}
    if values.get("renal_replacement") is not None:
        codes = codes_of(RENAL_REPLACEMENT, values["renal_replacement"])
        replaced = {code == YES for code in codes}
    return {
        stage_of(number / base, number, rise=rise, renal_replacement=on)
        for number in representatives(creatinine, values.get("creatinine"), cuts)
        for base in representatives(
            baseline, values.get("baseline"), [number / limit for limit in _RATIOS]
        )
        for rise in rises
        for on in replaced
    }


def exact_ica_stages(values: Mapping[str, ScoreValue]) -> frozenset[str] | None:
    """Return the possible stages of `ica_aki` where every number is exact, None elsewhere.

    The same as the score itself says, for a course in which nothing but the stages is asked.

    Parameters
    ----------
    values
        Value per input of `ica_aki`.
    """
    numbers: list[Decimal | None] = []
    for declared in _INPUTS[:3]:
        value = values.get(declared.name)
        number = value.low if isinstance(value, Interval) and value.low == value.high else None
        if number is None:
            if value is not None or declared.required:
                return None
        elif declared.refusal(number) is not None:
            return None
        numbers.append(number)
    baseline, creatinine, increase = numbers
    replaced = values.get("renal_replacement") or _NOT_REPLACED
    if baseline is None or creatinine is None or not isinstance(replaced, frozenset):
        return None
    rise = increase is not None and increase >= _RISE
    return frozenset(
        [
            _ica_stage(creatinine / baseline, creatinine, rise=rise, renal_replacement=code == YES)
            for code in replaced
        ]
    )


def _spread_kdigo(score: Score, values: Mapping[str, ScoreValue]) -> ScoreResult:
    """Return the bounds of the stage for inputs that are not exact."""
    found = _outcomes(score, values, _kdigo_stage)
    flags = _flags(values.get("increase_48h"))
    if len(found) == 1:
        return score.result(found.pop(), flags=flags)
    bounds = Interval(Decimal(min(found)), Decimal(max(found)))
    return ScoreResult(
        score=score.id,
        version=score.version,
        status="indeterminate",
        bounds=bounds,
        rounded_bounds=bounds,
        flags=score.flagged(flags),
    )


def _spread_ica(score: Score, values: Mapping[str, ScoreValue]) -> ScoreResult:
    """Return the possible stages for inputs that are not exact."""
    found = _outcomes(score, values, _ica_stage)
    flags = _flags(values.get("increase_48h"))
    if len(found) == 1:
        stage = found.pop()
        return score.result(stage, category=stage, flags=flags)
    return ScoreResult(
        score=score.id,
        version=score.version,
        status="indeterminate",
        possible=tuple(stage for stage in _STAGES if stage in found),
        flags=score.flagged(flags),
    )


KDIGO_AKI_CREATININE = Score(
    id="kdigo_aki_creatinine",
    version="1",
    title="Acute kidney injury, KDIGO, creatinine only",
    inputs=_INPUTS,
    citation="KDIGO clinical practice guideline. Kidney Int Suppl 2012;2(1):1-138",
    doi="10.1038/kisup.2012.1",
    verification="V2",
    formula="ratio to baseline 1.5 / 2 / 3, rise of 0.3 mg/dL in 48 h, 4.0 mg/dL, RRT",
    spread=_spread_kdigo,
    form="steps",
)


@KDIGO_AKI_CREATININE.computed_by
def kdigo_aki_creatinine(
    *,
    baseline_mg_dl: Decimal,
    creatinine_mg_dl: Decimal,
    increase_48h_mg_dl: Decimal | None = None,
    renal_replacement: bool = False,
) -> ScoreResult:
    """Stage acute kidney injury by creatinine, as KDIGO does.

    =====  =====================================================================
    Stage  Rule
    =====  =====================================================================
    1      1.5 to < 2.0 x baseline, or a rise >= 0.3 mg/dL within 48 h
    2      2.0 to < 3.0 x baseline
    3      >= 3.0 x baseline, or >= 4.0 mg/dL in acute injury, or RRT
    =====  =====================================================================

    Urine output is not used.

    Parameters
    ----------
    baseline_mg_dl
        Baseline, 0.05 to 50 mg/dL; see `kdigo_baseline`.
    creatinine_mg_dl
        Creatinine, 0.05 to 50 mg/dL (LOINC 2160-0).
    increase_48h_mg_dl
        Rise within 48 h, where two results allow it.
    renal_replacement
        Renal replacement therapy, if recorded.

    Returns
    -------
    ScoreResult
        `ok`: stage 0 to 3; `ratio` in the details.

    References
    ----------
    KDIGO. Kidney Int Suppl 2012;2(1):1-138. doi:10.1038/kisup.2012.1
    """
    ratio = creatinine_mg_dl / baseline_mg_dl
    stage = _kdigo_stage(
        ratio,
        creatinine_mg_dl,
        rise=increase_48h_mg_dl is not None and increase_48h_mg_dl >= _RISE,
        renal_replacement=renal_replacement,
    )
    return KDIGO_AKI_CREATININE.result(
        stage, flags=_flags(increase_48h_mg_dl), details={"ratio": round_half_up(ratio, 10)}
    )


ICA_AKI = Score(
    id="ica_aki",
    version="1",
    title="Acute kidney injury, International Club of Ascites",
    inputs=_INPUTS,
    spread=_spread_ica,
    citation="Angeli P, et al. Gut 2015;64(4):531-537",
    doi="10.1136/gutjnl-2014-308874",
    verification="V2",
    formula="ratio to baseline 1.5 / 2 / 3, rise of 0.3 mg/dL in 48 h, 4.0 mg/dL, RRT",
    unit="",
    order=_STAGES,
    form="steps",
)


@ICA_AKI.computed_by
def ica_aki(
    *,
    baseline_mg_dl: Decimal,
    creatinine_mg_dl: Decimal,
    increase_48h_mg_dl: Decimal | None = None,
    renal_replacement: bool = False,
) -> ScoreResult:
    """Stage acute kidney injury in cirrhosis.

    =====  =====================================================================
    Stage  Rule
    =====  =====================================================================
    1A     1.5 to 2.0 x baseline, or a rise >= 0.3 mg/dL within 48 h;
           creatinine < 1.5 mg/dL
    1B     the same, creatinine >= 1.5 mg/dL
    2      > 2.0 to 3.0 x baseline
    3      > 3.0 x baseline, or >= 4.0 mg/dL in acute injury, or RRT
    =====  =====================================================================

    Ratios of exactly 2.0 and 3.0 are stage 1 and 2 here, 2 and 3 in KDIGO.

    Parameters
    ----------
    baseline_mg_dl
        Baseline, 0.05 to 50 mg/dL; see `ica_baseline`.
    creatinine_mg_dl
        Creatinine, 0.05 to 50 mg/dL (LOINC 2160-0).
    increase_48h_mg_dl
        Rise within 48 h, where two results allow it.
    renal_replacement
        Renal replacement therapy, if recorded.

    Returns
    -------
    ScoreResult
        `ok`: stage 0, 1A, 1B, 2 or 3; `ratio` in the details.

    References
    ----------
    Angeli P, et al. Gut 2015;64(4):531-537. doi:10.1136/gutjnl-2014-308874
    """
    ratio = creatinine_mg_dl / baseline_mg_dl
    stage = _ica_stage(
        ratio,
        creatinine_mg_dl,
        rise=increase_48h_mg_dl is not None and increase_48h_mg_dl >= _RISE,
        renal_replacement=renal_replacement,
    )
    return ICA_AKI.result(
        stage,
        category=stage,
        flags=_flags(increase_48h_mg_dl),
        details={"ratio": round_half_up(ratio, 10)},
    )


_WORST_STAGE = ScoreInput(
    name="worst_stage",
    concept="ica_aki",
    kind="course",
    parameter="worst_stage",
    title="Worst stage of the episode",
    values=_STAGES,
)
_STAGE = replace(_WORST_STAGE, name="stage", parameter="stage", title="Stage now", direction=-1)
_RESPONSES = ("none", "partial", "full")


def _spread_response(score: Score, values: Mapping[str, ScoreValue]) -> ScoreResult:
    """Return the possible responses; none is certain where there may have been no injury."""
    worst = values.get("worst_stage")
    injured = frozenset(codes_of(_WORST_STAGE, worst)) - {_STAGES[0]}
    if not injured or worst == injured:
        return spread(score, values)
    found = spread(score, {**values, "worst_stage": injured})
    return ScoreResult(
        score=score.id,
        version=score.version,
        status="indeterminate",
        possible=found.possible,
        flags=found.flags,
    )


ICA_AKI_RESPONSE = Score(
    id="ica_aki_response",
    version="1",
    title="Response of acute kidney injury, International Club of Ascites",
    inputs=(
        replace(_BASELINE, direction=1),
        CREATININE.using(direction=-1),
        _WORST_STAGE,
        _STAGE,
    ),
    citation="Angeli P, et al. Gut 2015;64(4):531-537",
    doi="10.1136/gutjnl-2014-308874",
    verification="V2",
    formula="full within 0.3 mg/dL of baseline, partial with a lower stage, else none",
    unit="",
    order=_RESPONSES,
    spread=_spread_response,
)


@ICA_AKI_RESPONSE.computed_by
def ica_aki_response(
    *,
    baseline_mg_dl: Decimal,
    creatinine_mg_dl: Decimal,
    worst_stage: IcaStage,
    stage: IcaStage,
) -> ScoreResult:
    """Say how acute kidney injury responded to treatment.

    ========  ==============================================================
    Response  Rule
    ========  ==============================================================
    full      creatinine less than 0.3 mg/dL above baseline
    partial   a lower stage, creatinine still >= 0.3 mg/dL above baseline
    none      neither
    ========  ==============================================================

    1A and 1B are one stage here. Without an injury there is nothing to respond.

    Parameters
    ----------
    baseline_mg_dl
        Baseline, 0.05 to 50 mg/dL.
    creatinine_mg_dl
        Creatinine now, 0.05 to 50 mg/dL (LOINC 2160-0).
    worst_stage
        Worst stage of the episode.
    stage
        Stage now.

    Returns
    -------
    ScoreResult
        `ok`: none, partial or full. `error` with the reason `not_applicable` if the
        worst stage is 0.

    References
    ----------
    Angeli P, et al. Gut 2015;64(4):531-537. doi:10.1136/gutjnl-2014-308874
    """
    if worst_stage == "0":
        return ICA_AKI_RESPONSE.error("not_applicable", _WORST_STAGE.name)
    if creatinine_mg_dl - baseline_mg_dl < _RISE:
        response = "full"
    else:
        response = "partial" if int(stage[0]) < int(worst_stage[0]) else "none"
    return ICA_AKI_RESPONSE.result(response, category=response)


class TimedCreatinine(NamedTuple):
    """A creatinine in its course.

    Parameters
    ----------
    at
        When the blood was drawn.
    creatinine_mg_dl
        The value.
    outpatient
        Whether it was drawn outside a hospital stay.
    """

    at: datetime
    creatinine_mg_dl: Decimal
    outpatient: bool = False


_TWO_DAYS = timedelta(hours=48)
_THREE_MONTHS = timedelta(days=90)


def ica_baseline(
    values: Iterable[TimedCreatinine], *, admission: datetime
) -> TimedCreatinine | None:
    """Choose the baseline as the International Club of Ascites does.

    Parameters
    ----------
    values
        The course, in any order.
    admission
        When the patient was admitted.

    Returns
    -------
    TimedCreatinine | None
        The last outpatient value of the 90 days before admission, else the first value
        from admission on, else None.
    """
    course = sorted(values, key=lambda each: (each.at, each.creatinine_mg_dl))
    before = [
        each
        for each in course
        if each.outpatient and admission - _THREE_MONTHS <= each.at < admission
    ]
    since = [each for each in course if each.at >= admission]
    return before[-1] if before else since[0] if since else None


def kdigo_baseline(
    values: Iterable[TimedCreatinine], *, at: datetime, reference: Decimal | None = None
) -> Decimal | None:
    """Choose the baseline as KDIGO allows: the lowest of 7 days, or a reference.

    Parameters
    ----------
    values
        The course, in any order.
    at
        When the injury is staged.
    reference
        A known earlier value in mg/dL, which then is the baseline.

    Returns
    -------
    Decimal | None
        The baseline in mg/dL, None without any value.
    """
    if reference is not None:
        return reference
    week = [each.creatinine_mg_dl for each in values if at - timedelta(days=7) <= each.at <= at]
    return min(week, default=None)


def rise_in_48_hours(values: Iterable[TimedCreatinine], *, at: datetime) -> Decimal | None:
    """Return how far creatinine rose within 48 h up to its value at `at`.

    Parameters
    ----------
    values
        The course, in any order.
    at
        The instant of the value that may have risen.

    Returns
    -------
    Decimal | None
        The value at `at` minus the lowest of the 48 h before, in mg/dL; None without
        two values to compare.
    """
    course = list(values)
    since = at - _TWO_DAYS
    now = [each.creatinine_mg_dl for each in course if each.at == at]
    before = [each.creatinine_mg_dl for each in course if since <= each.at < at]
    return max(now) - min(before) if now and before else None


def rises_in_48_hours(course: Sequence[TimedCreatinine]) -> list[Decimal | None]:
    """Return `rise_in_48_hours` of every value of a course.

    Parameters
    ----------
    course
        Newest first, no two values of one instant.
    """
    rises: list[Decimal | None] = []
    for index, now in enumerate(course):
        since = now.at - _TWO_DAYS
        lowest = None
        for each in islice(course, index + 1, None):
            if each.at < since:
                break
            if lowest is None or each.creatinine_mg_dl < lowest:
                lowest = each.creatinine_mg_dl
        rises.append(None if lowest is None else now.creatinine_mg_dl - lowest)
    return rises
