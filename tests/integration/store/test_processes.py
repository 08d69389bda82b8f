"""Two processes write to one database: nothing is lost, and known order is commit order."""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from aclf_fhir.store import IndexRows, Store, Stored

UNITS = 60

# Each unit adds a resource and one to a counter that both processes change. One clock is late.
CHILD = """
import sys
from datetime import UTC, datetime, timedelta
from aclf_fhir.store import IndexRows, Store

url, name, units = sys.argv[1], sys.argv[2], int(sys.argv[3])
late = timedelta(hours=1 if name == "right" else 0)

def work(number):
    def unit(tx):
        index = IndexRows(tokens=(("code", "s", f"{number}"),))
        tx.put("a", "Basic", f"{name}-{number}", b"{}", content_hash=b"", index=index)
        count = int(tx.current("a", "Basic", "counter").body) + 1
        tx.put("a", "Basic", "counter", b"%d" % count, content_hash=b"", index=index)
    return unit

with Store.open(url, clock=lambda: datetime.now(UTC) - late) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    futures = [store.submit(work(number)) for number in range(units // 2)]
    for number in range(units // 2, units):  # and some that wait for their commit each
        store.write(work(number))
    for future in futures:
        future.result()
"""


def _start(url: str, name: str) -> subprocess.Popen[str]:
    source = Path(__file__).parents[3] / "src"
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, url, name, str(UNITS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(source)},
    )


def _watch(store: Store) -> tuple[datetime, list[Stored]]:
    """Return the watermark of a snapshot, and all versions it holds, newest first."""
    with store.read() as reader:
        return reader.watermark(), list(reader.history("a", "Basic", count=10**6))


@pytest.mark.real_clock
def test_two_processes_write_at_the_same_time(database_url: str) -> None:
    with Store.open(database_url) as store:
        store.write(
            lambda tx: tx.put("a", "Basic", "counter", b"0", content_hash=b"", index=IndexRows())
        )
        children = [_start(database_url, name) for name in ("left", "right")]
        try:
            for child in children:
                assert child.stdout is not None
                assert child.stdout.readline() == "ready\n"
            for child in children:
                assert child.stdin is not None
                child.stdin.write("go\n")
                child.stdin.flush()
            snapshots = []
            while any(child.poll() is None for child in children):
                snapshots.append(_watch(store))
        finally:
            for child in children:
                child.kill()
                child.communicate()
        assert [child.returncode for child in children] == [0, 0]
        snapshots.append(_watch(store))
        last = snapshots[-1][1]

        # Nothing is lost: neither a resource nor one of the additions both made to the counter.
        names = {f"{name}-{number}" for name in ("left", "right") for number in range(UNITS)}
        assert {one.id for one in last} == names | {"counter"}
        counted = [int(one.body) for one in last if one.id == "counter"]
        assert counted == list(range(2 * UNITS, -1, -1))

        # History is in the order of commits: known time never falls in it, and no two share one.
        known = [one.last_updated for one in reversed(last)]
        assert known == sorted(known)
        writers: dict[datetime, set[str]] = {}
        for one in last:
            if one.id != "counter":
                writers.setdefault(one.last_updated, set()).add(one.id.partition("-")[0])
        assert {len(one) for one in writers.values()} == {1}

        # A snapshot holds all that was ever known up to its watermark, and nothing later.
        for watermark, held in snapshots:
            assert held == [one for one in last if one.last_updated <= watermark]
        # It was read while it was written to.
        assert len({watermark for watermark, _ in snapshots}) > 1
