"""What screening costs, in parses of the same patient's bytes by orjson (at most 4)."""

import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import orjson

from aclf_fhir.catalog import load_catalog
from aclf_fhir.evaluation import EvaluationRules, Snapshot, evaluate_at, score_course
from aclf_fhir.record import Fact, FactKind, Record, SentValue, SourceVersion
from aclf_fhir.scores import SCORES
from aclf_fhir.trial import screen
from aclf_fhir.trial.examples import EXAMPLE_TIME, record_of
from aclf_fhir.units import Interval, TimeRange

FACTS, FEW, ROUNDS = 500, 200, 15
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
    """Print what all scores at one instant cost (at most 2 parses); no round repeats a value."""
    ratios, costs = [], []
    bodies_of_record = sent[:FEW]
    for number in range(ROUNDS + 1):
        record = long_stay(rules, number)

        def all_scores(record: Record = record) -> None:
            snapshot = Snapshot(record, rules)
            for score in SCORES:
                evaluate_at(snapshot, score)

        def parse() -> None:
            for body in bodies_of_record:
                orjson.loads(body)

        cost, theirs = milliseconds(all_scores), milliseconds(parse)
        if number:  # the first round warms up
            costs.append(cost)
            ratios.append(cost / theirs)
    print(f"{FEW} facts ({sum(map(len, bodies_of_record)) // 1000} kB as sent), a stay of a week")
    name = f"all {len(SCORES)} scores at one instant"
    print(f"  {name:40} {statistics.median(costs):8.2f} ms {statistics.median(ratios):6.2f} parses")


def long_stay(rules: EvaluationRules, number: int) -> Record:
    """Return a record of 200 facts: panels of a stay, no value twice in any round."""
    admitted = EXAMPLE_TIME - timedelta(days=9)
    source = SourceVersion("Encounter", "e1", 1)
    facts = [
        Fact(
            subject="example", kind=FactKind.ENCOUNTER, concept="inpatient",
            value=frozenset({"in_progress"}), start=TimeRange.exact(admitted), known=admitted,
            source=source,
        )
    ]  # fmt: skip
    while len(facts) < FEW:
        panel, place = divmod(len(facts), len(LABS))
        name = list(LABS)[place]
        drawn = EXAMPLE_TIME - timedelta(hours=2 + 10 * panel, minutes=place)
        text = f"{LABS[name]}{'' if '.' in LABS[name] else '.'}{number:02}"
        unit, value = rules.analytes[name].unit, Interval.exact(Decimal(text))
        facts.append(
            Fact(
                subject="example", kind=FactKind.MEASUREMENT, concept=name, value=value, unit=unit,
                start=TimeRange.exact(drawn), known=drawn,
                source=SourceVersion("Observation", f"s{len(facts)}", 1),
                sent=SentValue(text, unit, value, unit),
            )
        )  # fmt: skip
    return Record.of("example", facts, as_of=EXAMPLE_TIME, known_at=EXAMPLE_TIME)


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
        for name, function in (
            (f"screening against {len(protocols)} protocols", screen_both),
            (f"{len(scores)} scores at one instant", score_all),
            ("every score point of the last day", course),
        ):
            pairs = [(milliseconds(function), milliseconds(parse)) for _ in range(ROUNDS)]
            cost = statistics.median(mine for mine, _ in pairs)
            ratio = statistics.median(mine / theirs for mine, theirs in pairs)
            print(f"  {name:40} {cost:8.2f} ms {ratio:6.2f} parses")


if __name__ == "__main__":
    main()
