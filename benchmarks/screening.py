"""What scores and screening cost, in parses of the same patient's bytes by orjson.

All scores at one instant may cost 2 parses, screening against both trials 4.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import orjson

from aclf_fhir.catalog import load_catalog
from aclf_fhir.evaluation import EvaluationRules, Snapshot, evaluate_at, score_course
from aclf_fhir.record import (
    Fact,
    FactKind,
    FactStatus,
    Record,
    SentValue,
    SourceVersion,
    Value,
)
from aclf_fhir.scores import SCORES
from aclf_fhir.trial import screen
from aclf_fhir.trial.examples import EXAMPLE_TIME, record_of
from aclf_fhir.units import Interval, TimeRange

FACTS, FEW, ROUNDS = 500, 200, 15
SCORES_GOAL, SCREENING_GOAL = 2, 4
LABS = {
    "bilirubin_total": "12.3",
    "creatinine": "1.6",
    "inr": "1.9",
    "albumin": "2.9",
    "sodium": "131",
    "leukocytes": "11.2",
    "platelets": "92",
    "mean_arterial_pressure": "74",
    "spo2": "95",
    "fio2": "0.21",
}
MORE_LABS = {
    "lactate": "2.1",
    "neutrophils": "7.9",
    "urea": "9.5",
    "prothrombin_time": "22",
    "pt_control": "12",
}
CEILINGS = {"spo2": Decimal(100)}


def bodies() -> list[bytes]:
    """Return the bytes of 500 Observations of the shipped cohort: as long as real ones."""
    found: list[bytes] = []
    for path in sorted((Path(__file__).parents[1] / "examples").rglob("Observation*.ndjson")):
        found += path.read_bytes().splitlines()
    assert len(found) >= FACTS
    return found[:FACTS]


def patient(rules: EvaluationRules, clean: Record) -> Record:
    """Return a record of 500 facts: three weeks of panels, and a patient of an example."""
    facts = [fact for group in clean.facts.values() for fact in group]
    number = len(facts)
    while number < FACTS:
        panel, place = divmod(number, len(LABS))
        drawn = EXAMPLE_TIME - timedelta(hours=2 + 10 * panel, minutes=place)
        name = list(LABS)[place]
        text = LABS[name]
        unit, value = rules.analytes[name].unit, Interval.exact(Decimal(text))
        source = SourceVersion("Observation", f"b{number}", 1)
        facts.append(
            Fact(
                subject="example", kind=FactKind.MEASUREMENT, concept=name, value=value, unit=unit,
                start=TimeRange.exact(drawn), known=drawn, source=source,
                sent=SentValue(text, unit, value, unit),
            )
        )  # fmt: skip
        number += 1
    return Record.of("example", facts, as_of=EXAMPLE_TIME, known_at=EXAMPLE_TIME)


def every_score(rules: EvaluationRules, sent: list[bytes]) -> None:
    """Print what all scores at one instant cost, in a record that is known and in one that is not.

    No round repeats a value, and no panel of a round repeats that of another.
    """
    bodies_of_record = sent[:FEW]
    print(f"{FEW} facts ({sum(map(len, bodies_of_record)) // 1000} kB as sent), a stay of a week")
    for name, known in (("every input known", True), ("untidy as a real stay", False)):
        pairs = []
        for number in range(ROUNDS + 1):
            record = long_stay(rules, number, known=known)

            def all_scores(record: Record = record) -> None:
                snapshot = Snapshot(record, rules)
                for score in SCORES:
                    evaluate_at(snapshot, score)

            def parse() -> None:
                for body in bodies_of_record:
                    orjson.loads(body)

            pairs.append((milliseconds(all_scores), milliseconds(parse)))
        # The first round warms up.
        report(f"all {len(SCORES)} scores, {name}", pairs[1:], goal=SCORES_GOAL)


def report(name: str, pairs: list[tuple[float, float]], *, goal: int | None = None) -> None:
    """Print a cost beside the parse of the same round, and what it may be at most."""
    cost = statistics.median(mine for mine, _ in pairs)
    ratio = statistics.median(mine / theirs for mine, theirs in pairs)
    wanted = "" if goal is None else f"  goal {goal}: {'met' if ratio <= goal else 'missed'}"
    print(f"  {name:42} {cost:8.2f} ms {ratio:6.2f} parses{wanted}")


def long_stay(rules: EvaluationRules, number: int, *, known: bool = False) -> Record:
    """Return a record of 200 facts: panels of a stay, every value another one.

    Untidy is a record without sex, age, grades and supports, some of whose results are
    bounds, preliminary or taken back.
    """
    chance = Random(number)  # noqa: S311 # repeatable, no secret
    admitted = EXAMPLE_TIME - timedelta(days=9)
    facts = [*_settled_once(admitted)] if known else [_stay(admitted)]
    panels = {**LABS, **MORE_LABS} if known else LABS
    while len(facts) < FEW:
        panel, place = divmod(len(facts), len(panels))
        name = list(panels)[place]
        drawn = EXAMPLE_TIME - timedelta(hours=2 + 10 * panel, minutes=place)
        number_ = Decimal(panels[name]) * Decimal(chance.randint(8_000, 12_000)) / 10_000
        value = Interval.exact(min(number_, CEILINGS.get(name, number_)))
        status = FactStatus.USABLE
        if not known and panel and chance.random() < 0.15:
            status = chance.choice([FactStatus.PRELIMINARY, FactStatus.RETRACTED])
        if not known and chance.random() < 0.05:
            value = Interval.from_comparator(chance.choice(["<", ">"]), number_)
        unit = rules.analytes[name].unit
        facts.append(
            Fact(
                subject="example", kind=FactKind.MEASUREMENT, concept=name, value=value, unit=unit,
                start=TimeRange.exact(drawn), known=drawn, status=status,
                source=SourceVersion("Observation", f"s{len(facts)}", 1),
                sent=SentValue(str(value.low or value.high), unit, value, unit),
            )
        )  # fmt: skip
    return Record.of("example", facts, as_of=EXAMPLE_TIME, known_at=EXAMPLE_TIME)


def _stay(admitted: datetime) -> Fact:
    return Fact(
        subject="example", kind=FactKind.ENCOUNTER, concept="inpatient",
        value=frozenset({"in_progress"}), start=TimeRange.exact(admitted), known=admitted,
        source=SourceVersion("Encounter", "e1", 1),
    )  # fmt: skip


def _settled_once(admitted: datetime) -> Iterator[Fact]:
    """Yield what a complete record says besides its laboratory."""
    lately = EXAMPLE_TIME - timedelta(hours=3)
    yield _stay(admitted)
    born = TimeRange.exact(admitted - timedelta(days=365 * 54))
    said: list[tuple[FactKind, str, Value, datetime]] = [
        (FactKind.DEMOGRAPHIC, "birth_date", born, admitted),
        (FactKind.DEMOGRAPHIC, "sex", frozenset({"female"}), admitted),
        (FactKind.GRADE, "he_grade", Interval.exact(Decimal(1)), lately),
        (FactKind.GRADE, "ascites", frozenset({"moderate"}), lately),
        (FactKind.FINDING, "chronic_liver_disease", frozenset({"present"}), lately),
        (FactKind.PROCEDURE, "renal_replacement", frozenset({"not_done"}), lately),
        (FactKind.PROCEDURE, "mechanical_ventilation", frozenset({"not_done"}), lately),
        (FactKind.ATTESTATION, "vasopressor-support", frozenset({"no"}), lately),
    ]
    for kind, concept, value, at in said:
        yield Fact(
            subject="example", kind=kind, concept=concept, value=value,
            start=TimeRange.exact(at), known=at,
            source=SourceVersion("Observation", f"k-{concept}", 1),
        )  # fmt: skip


def milliseconds(function: Callable[[], object]) -> float:
    started = time.thread_time()
    function()
    return (time.thread_time() - started) * 1e3


def main() -> None:
    catalog = load_catalog()
    rules = EvaluationRules(analytes=catalog.analytes, scales=catalog.scales)
    protocols = list(catalog.protocols.values())
    scores = sorted({score for protocol in protocols for score in protocol.scores})
    sent = bodies()
    every_score(rules, sent)
    for protocol in protocols:
        record = patient(rules, record_of(protocol, protocol.examples[0], rules))

        def parse() -> None:
            for body in sent:
                orjson.loads(body)

        def screen_both(record: Record = record) -> None:
            snapshot = Snapshot(record, rules)
            for each in protocols:
                screen(each, record, rules, snapshot=snapshot)

        def score_all(record: Record = record) -> None:
            snapshot = Snapshot(record, rules)
            for score in scores:
                evaluate_at(snapshot, score)

        def course(record: Record = record) -> None:
            score_course(record, scores, rules, since=EXAMPLE_TIME - timedelta(days=1))

        screen_both()
        size = sum(map(len, sent)) // 1000
        print(f"{FACTS} facts ({size} kB as sent), the clean patient of {protocol.id} among them")
        for name, function, goal in (
            (f"screening against {len(protocols)} protocols", screen_both, SCREENING_GOAL),
            (f"{len(scores)} scores at one instant", score_all, None),
            ("every score point of the last day", course, None),
        ):
            pairs = [(milliseconds(function), milliseconds(parse)) for _ in range(ROUNDS)]
            report(name, pairs, goal=goal)


if __name__ == "__main__":
    main()
