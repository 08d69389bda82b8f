"""MELD per patient Bundle: this gateway, cql-execution and fhirpathpy, on the same bytes.

Each side is given the Bundle as bytes and does all of it anew in every run: parse the JSON, find
the newest usable bilirubin, creatinine and INR, look for dialysis in the week before the
creatinine, compute MELD. The gateway's side is `$score`, as it answers a request: on top of that
it takes the Bundle apart, validates what it reads, converts units, weighs age and conflicts, and
renders an Observation with its evidence. What the others read once (CQL translated to ELM, paths
compiled) is not timed, nor is our catalog.

The peers are put into `build/peers`, from the pinned versions in `benchmarks/peers`, at the
first run; a peer that cannot be had is skipped, and that is said.
"""

import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import orjson

from aclf_fhir.catalog import load_catalog
from aclf_fhir.workflows.screening import score_bundle

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "benchmarks" / "peers"
BUILD = ROOT / "build" / "peers"
COHORT = ROOT / "examples" / "clinosim"
PATIENT = "pt-2cf302350f39"
READ = ("Patient", "Observation", "Procedure")
ROUNDS, AIM = 7, 200
MANY, FEW = 20, 1  # runs in a round: of ours, of a peer


class Skipped(Exception):  # noqa: N818 - a peer is not there; nothing went wrong
    """Why a peer cannot be compared with."""


def resources() -> Iterator[dict[str, Any]]:
    for path in sorted(COHORT.glob("*.ndjson")):
        for line in path.read_bytes().splitlines():
            resource = orjson.loads(line)
            about = resource.get("subject", {}).get("reference", f"Patient/{resource['id']}")
            if resource["resourceType"] in READ and about == f"Patient/{PATIENT}":
                yield resource


def bundle() -> bytes:
    """Return all results and procedures of one patient, in the order of time."""
    ordered = sorted(
        resources(), key=lambda each: (each["resourceType"] != "Patient", time_of(each))
    )
    entries = [
        {
            "fullUrl": f"https://hospital.example/fhir/{each['resourceType']}/{each['id']}",
            "resource": each,
        }
        for each in ordered
    ]
    return orjson.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})


def time_of(resource: dict[str, Any]) -> str:
    return str(resource.get("effectiveDateTime", ""))


class Gateway:
    """Our side, in this process."""

    name = "aclf-fhir, $score of meld_optn"

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.catalog = load_catalog()
        last = max(time_of(each) for each in resources())
        self.at = datetime.fromisoformat(last) + timedelta(seconds=1)

    def answer(self) -> bytes:
        """Answer one request."""
        return score_bundle(
            self.body,
            ["meld_optn"],
            catalog=self.catalog,
            site="default",
            as_of=self.at,
            known_at=self.at,
            now=self.at,
        )

    def run(self, times: int) -> tuple[float, float]:
        """Return seconds and the unrounded score."""
        started = time.perf_counter()
        for _ in range(times):
            answer = self.answer()
        seconds = time.perf_counter() - started
        score = orjson.loads(answer)["entry"][0]["resource"]
        unrounded = next(
            part["valueQuantity"]["value"]
            for part in score["component"]
            if part["code"]["coding"][0]["code"] == "unrounded"
        )
        return seconds, unrounded


class Peer:
    """A process that answers a number of runs with the seconds they took and the score."""

    def __init__(self, name: str, command: list[str | Path], **environment: str) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [str(each) for each in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment or None,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def run(self, times: int) -> tuple[float, float]:
        """Return seconds and the unrounded score."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{times}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["seconds"], answer["value"]


def installed(names: tuple[str, ...], command: list[str | Path]) -> None:
    """Run an installer in the build folder, unless what it reads has not changed since."""
    BUILD.mkdir(parents=True, exist_ok=True)
    stamp = BUILD / f"{names[-1]}.installed"
    wanted = b"".join((PEERS / name).read_bytes() for name in names)
    if stamp.is_file() and stamp.read_bytes() == wanted:
        return
    for name in names:
        shutil.copy(PEERS / name, BUILD)
    ended = subprocess.run(
        [str(each) for each in command], cwd=BUILD, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Skipped(f"{command[0]} could not install it: {last}")
    stamp.write_bytes(wanted)


def cql(file: Path) -> Peer:
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Skipped(f"{program} is not present")
    names = ("package.json", "package-lock.json")
    installed(names, ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"])
    return Peer("cql-execution 3.3.2", ["node", PEERS / "meld_cql.mjs", BUILD, file])


def fhirpath(file: Path) -> Peer:
    target = BUILD / "python"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target]
    installed(("requirements.txt",), [*install, "-r", PEERS / "requirements.txt"])
    command = [sys.executable, PEERS / "meld_fhirpath.py", file]
    return Peer("fhirpathpy 2.2.4", command, PYTHONPATH=str(target))


def main() -> None:
    body = bundle()
    BUILD.mkdir(parents=True, exist_ok=True)
    file = BUILD / "patient.json"
    file.write_bytes(body)
    ours = Gateway(body)
    _, value = ours.run(1)
    parses = [parse(body) for _ in range(ROUNDS)]
    print(
        f"Bundle of {body.count(b'fullUrl')} resources, {len(body)} bytes; MELD {value:.4f}; "
        f"medians of {ROUNDS} interleaved rounds"
    )
    peers: tuple[tuple[str, Callable[[Path], Peer]], ...] = (
        ("cql-execution", cql),
        ("fhirpathpy", fhirpath),
    )
    for name, start in peers:
        try:
            peer = start(file)
        except Skipped as reason:
            print(f"{name:32} skipped: {reason}")
            continue
        with peer:
            compare(ours, peer, value)
    milliseconds = statistics.median(parses) * 1e3
    print(f"{'orjson.loads, for comparison':32} {milliseconds:9.2f} ms per Bundle")


def parse(body: bytes) -> float:
    started = time.perf_counter()
    orjson.loads(body)
    return time.perf_counter() - started


def compare(ours: Gateway, peer: Peer, value: float) -> None:
    """Check that both give the same score, then time them in turns."""
    _, other = peer.run(1)
    assert abs(other - value) <= 1e-4, f"{peer.name} says {other}, we say {value}"
    rounds = [(ours.run(MANY)[0] / MANY, peer.run(FEW)[0] / FEW) for _ in range(ROUNDS)]
    mine, theirs = (statistics.median(each) * 1e3 for each in zip(*rounds, strict=True))
    ratio = statistics.median(theirs / mine for mine, theirs in rounds)
    print(f"{ours.name:32} {mine:9.2f} ms per Bundle")
    print(f"{peer.name:32} {theirs:9.2f} ms per Bundle, {ratio:.0f} times ours (aim: {AIM})")


if __name__ == "__main__":
    main()
