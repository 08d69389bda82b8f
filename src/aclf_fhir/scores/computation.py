"""From named inputs to a result: checks, derived inputs, the exact way and the other one."""

from collections.abc import Mapping

from aclf_fhir.scores.corners import spread, within
from aclf_fhir.scores.definition import YES, Score, ScoreInput, ScoreValue
from aclf_fhir.scores.result import Reason, ScoreResult
from aclf_fhir.units import Interval

__all__ = ["compute_score"]

_RECORDED = frozenset({YES})
_AT_LIMIT = "at_limit_of_range"


def compute_score(score: Score, inputs: Mapping[str, ScoreValue]) -> ScoreResult:
    """Compute a score from inputs that may be exact, bounded or missing.

    Parameters
    ----------
    score
        The score.
    inputs
        Value per input name, in the unit the input declares. A name that is absent
        or None is missing; a name the score does not declare is an error of the caller.

    Returns
    -------
    ScoreResult
        `ok` if all values the inputs allow give one result, `indeterminate` with
        bounds if they give several, `error` if an input cannot be used.
    """
    values: dict[str, ScoreValue] = {}
    missing: list[str] = []
    for declared in score.inputs:
        name, value = declared.name, inputs.get(declared.name)
        if value is None or not value:
            if declared.required:
                missing.append(name)
            continue
        reason = _refusal(declared, value)
        if reason is not None:
            return score.error(reason, name)
        if not declared.recorded_only or value == _RECORDED:
            values[name] = value
        if declared.required and declared.says_nothing(value):
            missing.append(name)
    if len(values) < len(inputs):
        _refuse_strangers(score, inputs)
    flags: tuple[str, ...] = ()
    if score.derive is not None:
        derivation = score.derive(values)
        values = dict(derivation.values)
        missing += derivation.missing
        flags = derivation.flags
    arguments = _exact_arguments(score, values)
    if arguments is not None:
        result = score.function(**arguments)
    else:
        result = (score.spread or spread)(score, values)
        if any(_only_meets_limit(each, values.get(each.name)) for each in score.arguments):
            flags = (*flags, _AT_LIMIT)
    if missing or flags:
        return result.noted(score.flagged((*result.flags, *flags)), tuple(missing))
    return result


def _refusal(declared: ScoreInput, value: Interval | frozenset[str]) -> Reason | None:
    """Say why a value cannot be used at all, if so."""
    if isinstance(value, frozenset):
        return None if value.issubset(declared.values) else "out_of_range"
    if declared.values:
        return "out_of_range"
    low, high = value.low, value.high
    if low is not None and (low is high or low == high):
        return declared.refusal(low)
    if within(declared, value) is not None:
        return None
    # 0 itself may be in range where no number below it is.
    refused = None if high is None or high > 0 else declared.refusal(high)
    return refused or "out_of_range"


def _only_meets_limit(declared: ScoreInput, value: ScoreValue) -> bool:
    """Say whether a bounded number lies beyond what is accepted but for the limit itself.

    It then counts as that limit, which a reader must know. A scale ends where it ends:
    above its last grade there is none to be known.
    """
    if not isinstance(value, Interval) or declared.kind == "grade":
        return False
    low, high = value.low, value.high
    lowest, highest = declared.limits
    beyond = low == highest and (high is None or high > highest)
    below = high == lowest and (low is None or low < lowest)
    return beyond or below


def _exact_arguments(score: Score, values: Mapping[str, ScoreValue]) -> dict[str, object] | None:
    """Return the arguments of the formula if every one of them is exact."""
    arguments: dict[str, object] = {}
    for declared in score.arguments:
        value = values.get(declared.name)
        if value is None:
            if declared.required:
                return None
        elif isinstance(value, frozenset):
            if len(value) > 1:
                return None
            (code,) = value
            arguments[declared.parameter] = (
                code == declared.values[1] if declared.is_switch else code
            )
        else:
            number = value.low
            if number is None or number != value.high:
                return None
            arguments[declared.parameter] = int(number) if declared.whole else number
    return arguments


def _refuse_strangers(score: Score, inputs: Mapping[str, ScoreValue]) -> None:
    """Raise if a name is not an input: a typing error must not read as a missing value."""
    known = {declared.name for declared in score.inputs}
    strangers = sorted(set(inputs) - known)
    if strangers:
        message = (
            f"{score.id} has no input {', '.join(strangers)}; it has {', '.join(sorted(known))}"
        )
        raise ValueError(message)
