"""How fast the store takes Observations, beside bare inserts of the same bodies.

Each round runs all sides once, in turn, on fresh databases; printed are medians over the rounds.
A row of the store is an Observation with everything that belongs to it: version, current row,
search rows (two codings, category, two identifiers), business identity, fact, mark, intake log.

    python benchmarks/store.py [--rows 10000] [--rounds 5] [--postgres URL] [--grown 0]
"""

import argparse
import hashlib
import itertools
import json
import os
import sqlite3
import statistics
import tempfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import sqlalchemy

from aclf_fhir.mapping.models import Disposition, MappingOutcome
from aclf_fhir.record import Fact, FactKind, SentValue, SourceVersion
from aclf_fhir.store import (
    IndexRows,
    SearchQuery,
    Store,
    SubjectClause,
    TokenClause,
    TokenValue,
    Transaction,
)
from aclf_fhir.units import Interval, TimeRange

SITE = "benchmark"
PATIENTS = 1000
CODES = tuple(f"{number}-{number % 10}" for number in range(1975, 1987))
START = datetime(2024, 1, 1, tzinfo=UTC)


def observation(number: int) -> bytes:
    """Return a laboratory Observation of about 1.6 kB."""
    patient, code = number % PATIENTS, CODES[number % len(CODES)]
    resource = {
        "resourceType": "Observation",
        "id": str(uuid.UUID(int=number * 2654435761 % 2**64 << 64 | number)),
        "identifier": [
            {"system": "urn:example:lab:order", "value": f"ORD-{number // 12}"},
            {"system": "urn:example:lab:result", "value": f"RES-{number}"},
        ],
        "status": "final",
        "category": [{"coding": [{"system": "urn:example:category", "code": "laboratory"}]}],
        "code": {
            "coding": [
                {"system": "http://loinc.org", "code": code, "display": "An analyte " * 6},
                {"system": "urn:example:lab", "code": f"L{code}"},
            ]
        },
        "subject": {"reference": f"Patient/p{patient}"},
        "effectiveDateTime": (START + timedelta(minutes=number)).isoformat(),
        "valueQuantity": {"value": 1.2, "unit": "mg/dL", "code": "mg/dL"},
        "note": [{"text": "An invented result. " * 40}],
    }
    return json.dumps(resource).encode()


def unit_of(number: int, body: bytes) -> Callable[[Transaction], None]:
    """Return the work of storing one Observation as intake does."""
    patient, code = number % PATIENTS, CODES[number % len(CODES)]
    id_ = str(uuid.UUID(int=number * 2654435761 % 2**64 << 64 | number))
    effective = START + timedelta(minutes=number)
    value = Interval.exact(Decimal("1.20"))
    index = IndexRows(
        subject=f"Patient/p{patient}",
        status="final",
        tokens=(
            ("code", "http://loinc.org", code),
            ("code", "urn:example:lab", f"L{code}"),
            ("category", "urn:example:category", "laboratory"),
        ),
        dates=(("date", effective, effective),),
        identifiers=(
            ("urn:example:lab:order", f"ORD-{number // 12}"),
            ("urn:example:lab:result", f"RES-{number}"),
        ),
        unique=(("urn:example:lab:result", f"RES-{number}"),),
    )

    def work(transaction: Transaction) -> None:
        assert transaction.current(SITE, "Observation", id_) is None
        stored = transaction.put(
            SITE,
            "Observation",
            id_,
            body,
            content_hash=hashlib.blake2b(body, digest_size=16).digest(),
            index=index,
        )
        fact = Fact(
            subject=f"p{patient}",
            kind=FactKind.MEASUREMENT,
            concept="bilirubin_total",
            value=value,
            source=SourceVersion("Observation", id_, stored.version, "Observation.value"),
            known=transaction.known,
            unit="mg/dL",
            start=TimeRange.exact(effective),
            codes=(f"http://loinc.org|{code}",),
            sent=SentValue("1.20", "mg/dL", value, "mg/dL"),
        )
        outcome = MappingOutcome(Disposition.MAPPED, (fact,))
        transaction.settle(SITE, "Observation", id_, stored.version, outcome)
        transaction.mark(SITE, f"p{patient}", effective, "new")
        transaction.log(
            "push",
            site=SITE,
            sequence=number,
            type_="Observation",
            id_=id_,
            version=stored.version,
            outcome="stored",
        )

    return work


def kept_in_flight(store: Store, units: list[Callable[[Transaction], None]], depth: int) -> float:
    """Submit units so that `depth` of them wait at any time; return seconds."""
    free, futures = threading.Semaphore(depth), deque()
    began = time.perf_counter()
    for unit in units:
        free.acquire()
        future = store.submit(unit)
        future.add_done_callback(lambda _: free.release())
        futures.append(future)
    for future in futures:
        future.result()
    return time.perf_counter() - began


def one_by_one(store: Store, units: list[Callable[[Transaction], None]]) -> float:
    """Write each unit alone: one commit per Observation."""
    began = time.perf_counter()
    for unit in units:
        store.write(unit)
    return time.perf_counter() - began


def in_bundles(store: Store, units: list[Callable[[Transaction], None]]) -> float:
    """Write a hundred Observations per unit, as a transaction Bundle does."""

    def bundle(part: list[Callable[[Transaction], None]]) -> Callable[[Transaction], None]:
        return lambda transaction: deque((unit(transaction) for unit in part), maxlen=0) and None

    began = time.perf_counter()
    for start in range(0, len(units), 100):
        store.write(bundle(units[start : start + 100]))
    return time.perf_counter() - began


def bare(path: Path, bodies: list[bytes], group: int) -> float:
    """Insert the same bodies with sqlite3 alone: one table, three indexes, same durability."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        "CREATE TABLE r (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, subject TEXT, known INT, "
        "body BLOB)"
    )
    connection.execute("CREATE INDEX s ON r (subject, known)")
    connection.execute("CREATE INDEX k ON r (known)")
    began = time.perf_counter()
    for start in range(0, len(bodies), group):
        connection.execute("BEGIN IMMEDIATE")
        for number in range(start, min(start + group, len(bodies))):
            connection.execute(
                "INSERT INTO r VALUES (?, ?, ?, ?, ?)",
                (
                    number,
                    str(uuid.UUID(int=number * 2654435761 % 2**64 << 64 | number)),
                    f"Patient/p{number % PATIENTS}",
                    number,
                    bodies[number],
                ),
            )
        connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return took


def fsync_latency(folder: Path) -> float:
    """Return the median milliseconds of a durable write of 4 KiB."""
    times = []
    with (folder / "fsync").open("wb") as file:
        for _ in range(50):
            began = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def searches(store: Store) -> dict[str, float]:
    """Return microseconds per read: one patient's results of one code, and a read by id."""
    query = {
        number: SearchQuery(
            clauses=(
                SubjectClause((f"Patient/p{number}",)),
                TokenClause("code", (TokenValue("http://loinc.org", CODES[number % 12]),)),
            ),
            count=10,
        )
        for number in range(100)
    }
    ids = [str(uuid.UUID(int=number * 2654435761 % 2**64 << 64 | number)) for number in range(100)]

    def timed(act: Callable[[int], object]) -> float:
        for number in range(100):
            act(number)
        began = time.perf_counter()
        for number in range(1000):
            act(number % 100)
        return (time.perf_counter() - began) * 1000

    def search(number: int) -> object:
        with store.read() as reader:
            return reader.search(SITE, "Observation", query[number])

    def read(number: int) -> object:
        with store.read() as reader:
            return reader.current(SITE, "Observation", ids[number])

    return {"search patient+code, 10 of many": timed(search), "read by id": timed(read)}


def databases(postgres: str | None, folder: Path, round_: int) -> Iterator[tuple[str, str]]:
    """Give each kind of database an empty one for this round."""
    yield "SQLite", f"sqlite:///{folder / f'store-{round_}.sqlite'}"
    if postgres:
        url = sqlalchemy.make_url(postgres).set(drivername="postgresql+psycopg")
        name = f"aclf_fhir_benchmark_{uuid.uuid4().hex}"
        admin = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(sqlalchemy.text(f'CREATE DATABASE "{name}"'))
        try:
            yield "PostgreSQL", url.set(database=name).render_as_string(hide_password=False)
        finally:
            with admin.connect() as connection:
                connection.execute(sqlalchemy.text(f'DROP DATABASE "{name}" WITH (FORCE)'))
            admin.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--postgres", default=os.environ.get("ACLF_FHIR_TEST_POSTGRES"))
    parser.add_argument("--grown", type=int, default=0, help="rows stored before, for cost growth")
    options = parser.parse_args()

    rows = options.rows
    part = rows // 4
    sizes = {"alone": part // 2, "16 in flight": part, "64 in flight": part, "Bundles of 100": part}
    bodies = [observation(number) for number in range(rows)]
    units = [unit_of(number, body) for number, body in enumerate(bodies)]
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        print(f"{len(bodies[0])} bytes per body, fsync {fsync_latency(folder):.2f} ms")
        for round_ in range(options.rounds):
            for group in (1, 16, 100):
                took = bare(folder / f"bare-{round_}-{group}.sqlite", bodies[:part], group)
                rates.setdefault(f"bare sqlite3, {group} per commit", []).append(part / took)
            for kind, url in databases(options.postgres, folder, round_):
                with Store.open(url) as store:
                    if options.grown:
                        grown = (
                            unit_of(number, observation(number))
                            for number in range(rows, rows + options.grown)
                        )
                        while chunk := list(itertools.islice(grown, 10000)):
                            in_bundles(store, chunk)
                    at = 0
                    for way, size in sizes.items():
                        chosen, at = units[at : at + size], at + size
                        if way == "alone":
                            took = one_by_one(store, chosen)
                        elif way == "Bundles of 100":
                            took = in_bundles(store, chosen)
                        else:
                            took = kept_in_flight(store, chosen, int(way.split()[0]))
                        rates.setdefault(f"{kind}, {way}", []).append(size / took)
                    for what, microseconds in searches(store).items():
                        rates.setdefault(f"{kind}, {what}", []).append(1e6 / microseconds)
    for what, values in rates.items():
        print(f"{what:45} {statistics.median(values):10.0f} per s")
    for way, group in (("alone", 1), ("16 in flight", 16), ("Bundles of 100", 100)):
        ratios = [
            one / other
            for one, other in zip(
                rates[f"SQLite, {way}"], rates[f"bare sqlite3, {group} per commit"], strict=True
            )
        ]
        print(f"SQLite, {way}: {statistics.median(ratios):.2f} of bare sqlite3")


if __name__ == "__main__":
    main()
