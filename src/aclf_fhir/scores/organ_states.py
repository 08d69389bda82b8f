"""What definitions of ACLF ask of an organ: is it fine, dysfunctional or in failure.

A definition grades six states. Where inputs are not exact an organ has several
possible states, and a definition several possible grades: each combination is graded.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Literal

from aclf_fhir.scores.clif_organs import (
    ORGAN_ARGUMENTS,
    Vasopressor,
    Ventilation,
    brain_points,
    circulation_points,
    coagulation_points,
    failed_organs,
    kidney_points,
    liver_points,
    organ_points,
    respiration_points,
    support_flags,
)
from aclf_fhir.scores.corners import codes_of
from aclf_fhir.scores.definition import Score, ScoreInput, ScoreValue
from aclf_fhir.scores.result import ScoreResult
from aclf_fhir.scores.tables import Table

__all__ = ["Definition", "OrganState", "OrganStates"]

OrganState = Literal["fine", "dysfunction", "failure"]

OrganStates = tuple[OrganState, OrganState, OrganState, OrganState, OrganState, OrganState]
"""Brain, circulation, coagulation, kidney, liver, respiration: the order of `ORGANS`."""

ORGANS = ("brain", "circulation", "coagulation", "kidney", "liver", "respiration")

_ARGUMENTS: dict[str, ScoreInput] = {each.name: each for each in ORGAN_ARGUMENTS}

_Possible = tuple[frozenset[OrganState], ...]


def _kidney(creatinine_mg_dl: Decimal, points: int) -> OrganState:
    """Return the state of the kidney; 1.5 to 1.9 in the papers means 1.5 to below 2.0 mg/dL."""
    if points >= 2:
        return "failure"
    return "dysfunction" if creatinine_mg_dl >= Decimal("1.5") else "fine"


def _coagulation(inr: Decimal, points: int) -> OrganState:
    """Return the state of coagulation; an INR of 1.5 matters to the Chinese definition only."""
    if points == 3:
        return "failure"
    return "dysfunction" if inr >= Decimal("1.5") else "fine"


def _brain(points: int) -> OrganState:
    return "failure" if points == 3 else "dysfunction" if points == 2 else "fine"


def _other(points: int) -> OrganState:
    return "failure" if points == 3 else "fine"


@dataclass(slots=True, eq=False)
class Definition:
    """A grading of organ states, for exact inputs and for all others.

    Parameters
    ----------
    grades
        Every grade, least severe first; the first means no ACLF.
    grade_of
        The rule: six states to a grade.
    """

    grades: tuple[str, ...]
    grade_of: Callable[[OrganStates], str]
    _known: dict[_Possible, tuple[str, ...]]

    @classmethod
    def of(cls, grades: tuple[str, ...], grade_of: Callable[[OrganStates], str]) -> "Definition":
        """Return a definition that has graded nothing yet."""
        return cls(grades, grade_of, {})

    def exact(
        self,
        score: Score,
        *,
        bilirubin_mg_dl: Decimal,
        creatinine_mg_dl: Decimal,
        renal_replacement: bool,
        he_grade: int,
        inr: Decimal,
        mean_arterial_pressure_mm_hg: Decimal,
        vasopressor: Vasopressor,
        ventilation: Ventilation,
        pao2_fio2_mm_hg: Decimal | None,
        spo2_fio2: Decimal | None,
    ) -> ScoreResult:
        """Grade exact inputs."""
        points = organ_points(
            bilirubin_mg_dl=bilirubin_mg_dl,
            creatinine_mg_dl=creatinine_mg_dl,
            renal_replacement=renal_replacement,
            he_grade=he_grade,
            inr=inr,
            mean_arterial_pressure_mm_hg=mean_arterial_pressure_mm_hg,
            vasopressor=vasopressor,
            ventilation=ventilation,
            pao2_fio2_mm_hg=pao2_fio2_mm_hg,
            spo2_fio2=spo2_fio2,
        )
        states: OrganStates = (
            _brain(points["brain"]),
            _other(points["circulation"]),
            _coagulation(inr, points["coagulation"]),
            _kidney(creatinine_mg_dl, points["kidney"]),
            _other(points["liver"]),
            _other(points["respiration"]),
        )
        grade = self.grade_of(states)
        flags = support_flags(vasopressor, ventilation)
        details: dict[str, object] = {
            "organ_failures": failed_organs(points),
            "clif_c_of": sum(points.values()),
            "aclf_present": grade != self.grades[0],
        }
        if vasopressor == "terlipressin":
            brain, _, *rest = states
            strict = self.grade_of((brain, "fine", *rest))  # type: ignore[arg-type] # products of the declared states are states
            details["without_terlipressin"] = strict
            if strict != grade:
                flags = (*flags, "terlipressin_decides")
        return score.result(grade, category=grade, components=points, flags=flags, details=details)

    def spread(self, score: Score, values: Mapping[str, ScoreValue]) -> ScoreResult:
        """Grade inputs of which at least one is not exact."""
        possible, worlds = self._grades(values)
        certain = tuple(
            organ
            for index, organ in enumerate(ORGANS)
            if all(world[index] == {"failure"} for world in worlds)
        )
        open_ = tuple(
            organ
            for index, organ in enumerate(ORGANS)
            if organ not in certain and any("failure" in world[index] for world in worlds)
        )
        none = self.grades[0]
        present = None if none in possible and len(possible) > 1 else none not in possible
        details: dict[str, object] = {"organ_failures": certain, "aclf_present": present}
        if open_:
            details["organ_failures_possible"] = open_
        flags: tuple[str, ...] = ()
        if values.get("vasopressor") == frozenset({"terlipressin"}):
            strict, _ = self._grades({**values, "vasopressor": frozenset({"no"})})
            flags = ("terlipressin_counted",)
            if strict != possible:
                flags = (*flags, "terlipressin_decides")
        if values.get("ventilation") == frozenset({"unknown_reason"}):
            flags = (*flags, "ventilation_reason_unknown")
        grade = possible[0] if len(possible) == 1 else None
        return ScoreResult(
            score=score.id,
            version=score.version,
            status="indeterminate" if grade is None else "ok",
            value=grade,
            category=grade,
            possible=possible,
            flags=score.flagged(flags),
            details=details,
        )

    def _grades(
        self, values: Mapping[str, ScoreValue]
    ) -> tuple[tuple[str, ...], tuple[_Possible, ...]]:
        """Return the possible grades, and the possible states per reason of ventilation."""
        worlds = tuple(_worlds(values))
        found = {grade for world in worlds for grade in self._graded(world)}
        return tuple(grade for grade in self.grades if grade in found), worlds

    def _graded(self, world: _Possible) -> tuple[str, ...]:
        """Return the grades of every combination of states; there are few, so they are kept."""
        grades = self._known.get(world)
        if grades is None:
            found = {self.grade_of(states) for states in product(*world)}  # type: ignore[arg-type] # products of the declared states are states
            grades = self._known[world] = tuple(sorted(found))
        return grades


_CIRCULATION: Table[OrganState] = Table(
    (_ARGUMENTS["mean_arterial_pressure"], _ARGUMENTS["vasopressor"]),
    lambda pressure, drug: _other(circulation_points(pressure, vasopressor=drug)),
)
_COAGULATION: Table[OrganState] = Table(
    (_ARGUMENTS["inr"].using("1.5", "2", "2.5"),),
    lambda inr: _coagulation(inr, coagulation_points(inr)),
)
_KIDNEY: Table[OrganState] = Table(
    (_ARGUMENTS["creatinine"], _ARGUMENTS["renal_replacement"]),
    lambda creatinine, on: _kidney(creatinine, kidney_points(creatinine, renal_replacement=on)),
)
_LIVER: Table[OrganState] = Table(
    (_ARGUMENTS["bilirubin"],), lambda bilirubin: _other(liver_points(bilirubin))
)
_BRAIN: Table[OrganState] = Table(
    (_ARGUMENTS["he_grade"], _ARGUMENTS["ventilation"]),
    lambda grade, reason: _brain(brain_points(grade, ventilation=reason)),
)
_RESPIRATION: Table[OrganState] = Table(
    (_ARGUMENTS["pao2_fio2"], _ARGUMENTS["spo2_fio2"], _ARGUMENTS["ventilation"]),
    lambda pao2, spo2, reason: _other(respiration_points(pao2, spo2, ventilation=reason)),
)


def _worlds(values: Mapping[str, ScoreValue]) -> Iterator[_Possible]:
    """Yield the possible states of each organ, once per reason of ventilation.

    The reason ties brain and lung together: it is one or the other, so each is a world.
    """
    circulation = _CIRCULATION.possible(values)
    coagulation = _COAGULATION.possible(values)
    kidney = _KIDNEY.possible(values)
    liver = _LIVER.possible(values)
    for reason in codes_of(_ARGUMENTS["ventilation"], values.get("ventilation")):
        world = {**values, "ventilation": frozenset({reason})}
        brain, respiration = _BRAIN.possible(world), _RESPIRATION.possible(world)
        yield brain, circulation, coagulation, kidney, liver, respiration
