"""MELD per patient Bundle: this gateway, cql-execution and fhirpathpy, on the same bytes.

Each side is given the Bundle as bytes and does all of it anew in every run: parse the JSON, find
the newest usable bilirubin, creatinine and INR, look for dialysis in the week before the
creatinine, compute MELD. So does the first of our two rows: it ends with the unrounded score, its
inputs with the results they were taken from and those passed over, and its flags. On top of what
the others do it takes the Bundle apart, tells from the codes what may bear on the score, validates
and maps that, converts units, and weighs age and conflicts. What cannot bear on the score is not
validated, as the others validate nothing at all. The second row is the whole answer of `$score`
to a request: on top of the first it renders the score as an Observation with its evidence, and
lists what is held. What the others read once (CQL translated to ELM, paths compiled) is not timed,
nor is our catalog; what any side keeps from one run to the next, it keeps.

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
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import orjson

from aclf_fhir.catalog import load_catalog
from aclf_fhir.evaluation import ScoreEvaluation
from aclf_fhir.workflows.screening import score_bundle, score_given

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "benchmarks" / "peers"
BUILD = ROOT / "build" / "peers"
COHORT = ROOT / "examples" / "clinosim"
PATIENT = "pt-2cf302350f39"
SCORE = "meld_optn"
READ = ("Patient", "Observation", "Procedure")
ROUNDS, GOAL = 7, 200
NEAR = 1e-4
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

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.catalog = load_catalog()
        last = max(time_of(each) for each in resources())
        self.at = datetime.fromisoformat(last) + timedelta(seconds=1)
        self.clocks = {"as_of": self.at, "known_at": self.at, "now": self.at}

    def meld(self) -> ScoreEvaluation:
        """Compute the score of the Bundle's one Patient, with its inputs."""
        ((_, (evaluation,)),) = score_given(
            self.body, [SCORE], catalog=self.catalog, site="default", **self.clocks
        )
        return evaluation

    def answer(self) -> bytes:
        """Answer one request."""
        return score_bundle(self.body, [SCORE], catalog=self.catalog, site="default", **self.clocks)

    def value(self) -> float:
        """Return the unrounded score, and check that the answer to a request has it."""
        value = self.meld().result.value
        assert isinstance(value, Decimal)
        parts = orjson.loads(self.answer())["entry"][0]["resource"]["component"]
        (unrounded,) = [p for p in parts if p["code"]["coding"][0]["code"] == "unrounded"]
        assert abs(unrounded["valueQuantity"]["value"] - float(value)) <= NEAR
        return float(value)


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
    value = ours.value()
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
            print(f"{name:34} skipped: {reason}")
            continue
        with peer:
            compare(ours, peer, value)


def compare(ours: Gateway, peer: Peer, value: float) -> None:
    """Check that both give the same score, then time them and a plain parse in turns."""
    _, other = peer.run(1)
    assert abs(other - value) <= NEAR, f"{peer.name} says {other}, we say {value}"
    steps: tuple[tuple[str, Callable[[], float]], ...] = (
        (peer.name, lambda: peer.run(FEW)[0] / FEW),
        ("  aclf-fhir, bytes to MELD", lambda: seconds(ours.meld)),
        ("  aclf-fhir, full $score answer", lambda: seconds(ours.answer)),
        ("  orjson.loads, for comparison", lambda: seconds(lambda: orjson.loads(ours.body))),
    )
    rounds = [[run() for _, run in steps] for _ in range(ROUNDS)]
    for place, (name, _) in enumerate(steps):
        milliseconds = statistics.median(each[place] for each in rounds) * 1e3
        ratio = statistics.median(each[0] / each[place] for each in rounds)
        goal = f" (goal: {GOAL} or more)" if place == 1 else ""
        times = f", {peer.name} takes {ratio:.0f} times as long{goal}" if place in (1, 2) else ""
        print(f"{name:34} {milliseconds:9.2f} ms per Bundle{times}")


def seconds(run: Callable[[], object]) -> float:
    """Return the mean seconds of some runs in a row."""
    started = time.perf_counter()
    for _ in range(MANY):
        run()
    return (time.perf_counter() - started) / MANY


if __name__ == "__main__":
    main()
