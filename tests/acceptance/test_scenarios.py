"""The scenario catalogue, played step by step through a real gateway under a clock that stands.

What each step must show is written in `scenarios/`, and how to read it in the README there.
Beside it two things hold at every step: what is published is what `$screen` computes, and no
published version of a verdict ever changes.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
import time_machine

from aclf_fhir.catalog import Catalog, load_catalog
from aclf_fhir.workflows import opening
from tests.acceptance.catalogue import Scenario, scenarios
from tests.acceptance.ward import Shown, Ward
from tests.conftest import postgresql_database

pytestmark = [pytest.mark.real_clock, pytest.mark.slow]

_OUTCOME = re.compile(r"(?P<outcome>[a-z ]+?)(?: \((?P<reasons>[^)]*)\))?")
SCENARIOS = list(scenarios())


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(autouse=True)
def one_catalog(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the shipped data files once for all scenarios; changed rules are loaded anew."""
    load = opening.load_catalog

    def loaded(*, mappings: Path | None, trials: Path | None) -> Catalog:
        return load(mappings=mappings, trials=trials) if mappings or trials else catalog

    monkeypatch.setattr(opening, "load_catalog", loaded)


@pytest.fixture(scope="module")
def on_postgresql() -> Iterator[str]:
    with postgresql_database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give an empty database; on PostgreSQL one is emptied, which is quicker than to make one."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'gateway.sqlite'}"
    url: str = request.getfixturevalue("on_postgresql")
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("DROP SCHEMA public CASCADE"))
        connection.execute(sqlalchemy.text("CREATE SCHEMA public"))
    return url


def test_every_scenario_has_its_own_id() -> None:
    ids = [scenario.id for scenario in SCENARIOS]
    assert len(set(ids)) == len(ids) > 40


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[one.id for one in SCENARIOS])
def test_scenario(scenario: Scenario, empty_url: str, tmp_path: Path) -> None:
    with time_machine.travel(scenario.instant(scenario.learnt), tick=False) as clock:
        ward = Ward(scenario, empty_url, tmp_path, clock)
        left = list(scenario.steps)
        with ward.opened():
            ward.send(ward.chart.learn(scenario.patient, scenario.when, scenario.asked))
            while left and "new_rules" not in left[0]:
                play(ward, left.pop(0))
        while left:
            ward.move_clock(left[0]["at"])
            ward.change_rules(left[0]["new_rules"])
            with ward.opened():
                play(ward, left.pop(0))
                while left and "new_rules" not in left[0]:
                    play(ward, left.pop(0))


def play(ward: Ward, step: dict[str, Any]) -> None:
    """Send what a step says, and look at what it expects."""
    at = step["at"]
    ward.move_clock(at)
    ward.send(ward.chart.learn(step.get("learn", {}), at))
    ward.send(ward.chart.correct(step.get("correct", {}), at))
    ward.send(ward.chart.withdraw(step.get("withdraw", ())))
    for trial, said in step.get("move", {}).items():
        ward.move_subject(trial, said)
    if step.keys() & {"expect", "published"}:
        before, ward.kept = ward.kept, ward.published_versions()
        assert before.items() <= ward.kept.items(), f"{at}: a published version has changed"
        shown = ward.screened()
        check(shown, step.get("expect", {}), f"{ward.scenario.id} at {at}")
        published = ward.published()
        for trial in published.keys() - ward.enrolled:
            assert published[trial] == shown[trial], f"{at}: published for {trial}"
        check(published, step.get("published", {}), f"{ward.scenario.id}, published, at {at}")
    for back in step.get("looking_back", ()):
        clocks = {"asOf": back["as_of"], "knownAt": back["known_at"]}
        expected = {name: back[name] for name in back if name not in {"as_of", "known_at"}}
        check(ward.screened(**clocks), expected, f"{ward.scenario.id} at {at}, back to {clocks}")


def check(shown: dict[str, Shown], expected: dict[str, Any], where: str) -> None:
    """Compare what is shown with what a scenario expects, trial by trial.

    Where criteria are told, they are all that do not let the patient pass.
    """
    for trial, says in expected.items():
        found = shown[trial]
        wanted = {"verdict": says} if isinstance(says, str) else says
        shows = f"{where}: {trial} shows {found.verdict}, " + "; ".join(
            f"{name} {answer_of(found.criteria[name])}" for name in found.open_or_failing
        )
        assert found.verdict == wanted["verdict"], shows
        for name, told in wanted.items():
            if name == "criteria":
                got = {one: answer_of(found.criteria[one]) for one in told}
                assert got == {one: normal(answer) for one, answer in told.items()}, shows
                assert set(found.open_or_failing) <= told.keys(), shows
            elif name == "passing":
                assert found.criteria.keys() - found.open_or_failing == set(told), shows
            elif name == "version":
                assert found.version == told, shows
            elif name in {"flags", "reasons", "missing"}:
                assert getattr(found, name) == set(told), f"{shows}; {name} {getattr(found, name)}"
            else:
                assert name == "verdict", f"{where}: nobody knows {name}"


def answer_of(criterion: Shown) -> str:
    """Write an outcome with its reasons as a scenario does."""
    reasons = f" ({' and '.join(sorted(criterion.reasons))})" if criterion.reasons else ""
    return criterion.verdict + reasons


def normal(answer: str) -> str:
    """Sort the reasons of an expected outcome."""
    match = _OUTCOME.fullmatch(answer)
    assert match is not None, f"{answer!r} is no outcome"
    reasons = sorted((match["reasons"] or "").split(" and "))
    return match["outcome"] + (f" ({' and '.join(reasons)})" if match["reasons"] else "")
