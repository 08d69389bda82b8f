"""Killed at any moment: what was acknowledged is there, once, and nothing is there by half."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aclf_fhir.store import SearchQuery, Store, TokenClause, TokenValue

# Each unit stores a pair of resources; a line is printed only after the unit is answered.
CHILD = """
import sys, threading
from aclf_fhir.store import IndexRows, Store

store = Store.open(sys.argv[1])
run = sys.argv[2]
lock = threading.Lock()

def pair(number):
    def work(tx):
        for side in "lr":
            id_ = f"{run}-{number}-{side}"
            index = IndexRows(tokens=(("code", "s", f"{run}-{number}"),))
            tx.put("a", "Basic", id_, b"x" * 1500, content_hash=b"", index=index)
    return work

def client(which):
    number = which
    while True:
        store.write(pair(number))
        with lock:
            print(number, flush=True)
        number += 8

for which in range(8):
    threading.Thread(target=client, args=(which,)).start()
"""


def _kill_once(url: str, run: int, seconds: float, source: Path) -> list[int]:
    environment = {**os.environ, "PYTHONPATH": str(source)}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, url, str(run)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert child.stdout is not None
    try:
        first = child.stdout.readline()
        assert first, "the child wrote nothing"
        time.sleep(seconds)
    finally:
        child.send_signal(signal.SIGKILL)
    lines = [first, *child.stdout.read().splitlines()]
    child.stdout.close()
    child.wait()
    return [int(line) for line in lines if line.strip()]


def _verify(url: str, run: int, acknowledged: list[int]) -> None:
    with Store.open(url) as store, store.read() as reader:
        for number in acknowledged:
            clause = TokenClause("code", (TokenValue("s", f"{run}-{number}"),))
            page = reader.search("a", "Basic", SearchQuery(clauses=(clause,)))
            assert [match.id[-1] for match in page.matches] == ["l", "r"]
            for match in page.matches:
                assert match.version == 1
                assert match.body == b"x" * 1500
        # Nothing is there by half, acknowledged or not.
        stored = [one.id for one in reader.history("a", "Basic", count=10**6)]
        pairs = {id_.rpartition("-")[0] for id_ in stored}
        assert len(stored) == len(set(stored)) == 2 * len(pairs)


def _kills(url: str, source: Path, count: int) -> None:
    acknowledged: dict[int, list[int]] = {}
    for run in range(count):
        acknowledged[run] = _kill_once(url, run, 0.05 + 0.37 * run % 0.6, source)
        for earlier in acknowledged if run == count - 1 else [run]:
            _verify(url, earlier, acknowledged[earlier])
    assert sum(map(len, acknowledged.values())) > count


@pytest.fixture
def source() -> Path:
    return Path(__file__).parents[3] / "src"


@pytest.mark.real_clock
@pytest.mark.slow
def test_killed_under_load(database_url: str, source: Path) -> None:
    _kills(database_url, source, 3)


@pytest.mark.real_clock
@pytest.mark.soak
def test_killed_often(database_url: str, source: Path) -> None:
    _kills(database_url, source, 100)
