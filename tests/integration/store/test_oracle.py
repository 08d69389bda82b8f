"""Random work, in random groups, on the store and on the oracle: they agree throughout."""

import copy
import itertools
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.mapping.models import Disposition, HeldReason, Holding, MappingOutcome
from aclf_fhir.record import Fact, FactKind, SourceVersion
from aclf_fhir.store import (
    DateClause,
    DatePrefix,
    DateValue,
    IndexRows,
    SearchQuery,
    Sort,
    Store,
    SubjectClause,
    TokenClause,
    TokenValue,
    Transaction,
)
from aclf_fhir.units import Interval, TimeRange
from tests.integration.store.oracle import Oracle, Version, identified

START = datetime(2024, 1, 1, tzinfo=UTC)
SUBJECTS = ("p", "q")
IDS = ("1", "2", "3", "4")
CODES = ("a", "b")
_sites = itertools.count()


@dataclass(frozen=True)
class Step:
    """One thing a unit does."""

    kind: str
    id: str
    code: str
    subject: str
    day: int
    unique: str
    values: tuple[int, ...]
    reads: bool


steps = st.builds(
    Step,
    kind=st.sampled_from(
        ["put", "put", "put", "delete", "settle", "settle", "hold", "mark", "log"]
    ),
    id=st.sampled_from(IDS),
    code=st.sampled_from(CODES),
    subject=st.sampled_from(SUBJECTS),
    day=st.integers(0, 3),
    unique=st.sampled_from(["", "", "u", "v"]),
    values=st.lists(st.integers(0, 2), max_size=3).map(tuple),
    reads=st.booleans(),
)
units = st.tuples(st.lists(steps, min_size=1, max_size=4), st.booleans())


class Undone(Exception):  # noqa: N818 (a unit that is given up, not an error)
    pass


def index_of(step: Step) -> IndexRows:
    identifiers = (("s", step.unique),) if step.unique else ()
    day = START + timedelta(days=step.day)
    return IndexRows(
        subject=f"Patient/{step.subject}",
        tokens=(("code", "s", step.code), ("code", "t", step.code)),
        dates=(("date", day, day),),
        identifiers=identifiers,
        unique=identifiers,
    )


def outcome_of(step: Step, version: int) -> MappingOutcome:
    if step.kind == "hold":
        holding = Holding(HeldReason.UNMAPPED_CODE, "Observation.code", step.code)
        return MappingOutcome(
            Disposition.HELD, holdings=(holding,), waits_for=(f"Patient/{step.subject}",)
        )
    facts = tuple(
        Fact(
            subject=step.subject,
            kind=FactKind.MEASUREMENT,
            concept=step.code,
            value=Interval.exact(Decimal(value)),
            source=SourceVersion("Observation", step.id, version),
            known=START,
            start=TimeRange.exact(START + timedelta(days=value)),
        )
        for value in step.values
    )
    return MappingOutcome(Disposition.MAPPED, facts)


def perform(tx: Transaction, site: str, part: list[Step], undone: bool) -> datetime:
    """Do the steps of a unit on the real store."""
    for step in part:
        current = tx.current(site, "Observation", step.id)
        if step.kind == "put" or (step.kind == "delete" and current is not None):
            tx.put(
                site,
                "Observation",
                step.id,
                step.code.encode(),
                content_hash=b"",
                index=index_of(step),
                deleted=step.kind == "delete",
            )
        elif step.kind in {"settle", "hold"} and current is not None:
            outcome = outcome_of(step, current.version)
            tx.settle(site, "Observation", step.id, current.version, outcome)
        elif step.kind == "mark":
            tx.mark(site, step.subject, START + timedelta(days=step.day), step.code)
        elif step.kind == "log" and current is not None:
            tx.log(
                "push",
                site=site,
                sequence=0,
                type_="Observation",
                id_=step.id,
                version=current.version,
                outcome="stored",
            )
        if step.reads:  # whatever was written so far has to go to the database
            tx.search(site, "Observation", SearchQuery())
            tx.facts(site, step.subject)
            tx.by_identity(site, "Observation", "s", step.unique)
    if undone:
        raise Undone
    return tx.known


def imitate(oracle: Oracle, part: list[Step], known: datetime) -> None:
    """Do the steps of a unit on the oracle."""
    for step in part:
        versions = oracle.resources.get(step.id)
        if step.kind == "put":
            if step.unique and oracle.owner(step.unique) not in {None, step.id}:
                raise AclfError.of(Category.CONFLICT, "", "taken")
            oracle.put(step.id, Version(step.code.encode(), index_of(step), False, known))
        elif versions is None and step.kind != "mark":
            continue
        elif step.kind == "delete":
            oracle.put(step.id, Version(step.code.encode(), IndexRows(), True, known))
        elif step.kind in {"settle", "hold"}:
            assert versions is not None
            oracle.settle(step.id, outcome_of(step, len(versions)), known)
        elif step.kind == "mark":
            since = START + timedelta(days=step.day)
            oracle.marks[step.subject] = min(since, oracle.marks.get(step.subject, since))
        else:
            assert versions is not None
            oracle.log.append((step.id, len(versions)))


class Comparison(RuleBasedStateMachine):
    store: Store

    def __init__(self) -> None:
        super().__init__()
        self.site = f"site-{next(_sites)}"
        self.oracle = Oracle()
        self.instants = [START]

    @rule(group=st.lists(units, min_size=1, max_size=5))
    def write(self, group: list[tuple[list[Step], bool]]) -> None:
        ready, go = threading.Event(), threading.Event()

        def wait(_: Transaction) -> None:
            ready.set()
            go.wait()

        def work(part: list[Step], undone: bool) -> Callable[[Transaction], datetime]:
            return lambda tx: perform(tx, self.site, part, undone)

        blocker = self.store.submit(wait)
        ready.wait()
        futures = [self.store.submit(work(part, undone)) for part, undone in group]
        go.set()
        blocker.result()
        for (part, undone), future in zip(group, futures, strict=True):
            try:
                known = future.result()
            except Undone:
                assert undone
                continue
            except AclfError as error:
                if error.category is not Category.CONFLICT:
                    raise
                known = None
            trial = copy.deepcopy(self.oracle)
            try:
                imitate(trial, part, known or START)
            except AclfError:
                assert known is None
                continue
            assert known is not None
            self.oracle = trial
            self.instants.append(known)

    @rule(subject=st.sampled_from(SUBJECTS))
    def evaluate(self, subject: str) -> None:
        with self.store.read() as reader:
            mark = reader.mark_of(self.site, subject)
        assert (mark and mark.since) == self.oracle.marks.get(subject)
        if mark is not None:
            seq = mark.seq
            assert self.store.write(lambda tx: tx.clear_mark(self.site, subject, seq))
            del self.oracle.marks[subject]

    @invariant()
    def same(self) -> None:
        oracle, site = self.oracle, self.site
        current = oracle.current()
        with self.store.read() as reader:
            for id_ in IDS:
                versions = oracle.resources.get(id_, [])
                history = reader.history(site, "Observation", id_)
                assert [
                    (one.version, one.body, one.deleted, one.last_updated, one.disposition)
                    for one in history
                ] == [
                    (number + 1, one.body, one.deleted, one.known, one.disposition)
                    for number, one in reversed(list(enumerate(versions)))
                ]
                found = reader.current(site, "Observation", id_)
                assert found == (history[0] if history else None)
                outcome = oracle.holdings.get(id_, MappingOutcome(Disposition.MAPPED))
                held = reader.held_of(site, "Observation", id_)
                assert tuple(one.holding for one in held) == outcome.holdings
                for subject in SUBJECTS:
                    waits = ("Observation", id_) in reader.waiting_for(site, f"Patient/{subject}")
                    assert waits == (f"Patient/{subject}" in outcome.waits_for)
            for value in ("u", "v"):
                owner = oracle.owner(value)
                assert reader.by_identity(site, "Observation", "s", value) == owner
                assert identified(reader, "Observation", value, site=site) == (
                    [] if owner is None else [owner]
                )
            for subject in SUBJECTS:
                for known_at in (None, *self.instants[-3:]):
                    facts = Counter(reader.facts(site, subject, known_at=known_at))
                    assert facts == oracle.known_facts(subject, known_at)
                clause = SubjectClause((f"Patient/{subject}",))
                page = reader.search(site, "Observation", SearchQuery(clauses=(clause,)))
                expected = [
                    id_ for id_, one in current.items() if one.index.subject == f"Patient/{subject}"
                ]
                assert sorted(match.id for match in page.matches) == sorted(expected)
                dates = [current[match.id].index.dates[0][1] for match in page.matches]
                assert dates == sorted(dates, reverse=True)
            day = START + timedelta(days=2)
            for code in CODES:
                query = SearchQuery(
                    clauses=(
                        TokenClause("code", (TokenValue(None, code),)),
                        DateClause("date", (DateValue(DatePrefix.GE, day, day),)),
                    ),
                    sort=Sort.LAST_UPDATED,
                    total=True,
                )
                page = reader.search(site, "Observation", query)
                expected = [
                    id_
                    for id_, one in current.items()
                    if ("code", "s", code) in one.index.tokens and one.index.dates[0][1] >= day
                ]
                assert sorted(match.id for match in page.matches) == sorted(expected)
                assert page.total == len(expected)
            sums = reader.accounting(site, "push")
            assert sums.total == sums.stored == len(oracle.log)
            settled = Counter(
                oracle.resources[id_][version - 1].disposition for id_, version in oracle.log
            )
            assert (sums.mapped, sums.held, sums.unsettled) == (
                settled[Disposition.MAPPED],
                settled[Disposition.HELD],
                settled[None],
            )


def test_store_and_oracle_agree(store: Store) -> None:
    class Here(Comparison):
        pass

    Here.store = store
    run_state_machine_as_test(
        Here,
        settings=settings(
            settings(),
            stateful_step_count=8,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
