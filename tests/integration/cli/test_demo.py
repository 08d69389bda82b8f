"""`aclf-fhir demo`: from nothing to a table, then a clean end."""

import json
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import requests

from tests.conftest import ROOT
from tests.integration.cli.conftest import COMMAND, environment

pytestmark = [pytest.mark.real_clock, pytest.mark.slow]

_START_S = 180


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The invented cases, and the people who decided about them."""
    source = ROOT / "examples"
    if not (source / "people.yaml").exists():
        pytest.skip("there are no examples")
    folder = tmp_path_factory.mktemp("demo") / "examples"
    shutil.copytree(source / "invented", folder / "invented")
    shutil.copy(source / "people.yaml", folder)
    (folder / "broken.ndjson").write_text('{"resourceType": "Patient"\n')
    return folder


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Demo:
    def __init__(self, folder: Path, examples: Path) -> None:
        self.folder = folder
        self.port = free_port()
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            self.process = subprocess.Popen(
                [*COMMAND, "demo", str(examples), "--port", str(self.port)],
                cwd=folder,
                env=environment(),
                stdout=out,
                stderr=err,
            )

    @property
    def out(self) -> str:
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        return (self.folder / "err").read_text()

    def wait(self) -> None:
        deadline = time.monotonic() + _START_S
        while "Ctrl-C stops it" not in self.err:
            assert self.process.poll() is None, self.err
            assert time.monotonic() < deadline, self.err
            time.sleep(0.1)

    def stop(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(60)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("run"), examples)
    try:
        demo.wait()
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.stop(signal.SIGTERM)


def test_one_table_shows_scores_verdicts_needs_and_outcomes(demo: Demo) -> None:
    for column in ("MELD 3.0", "Child-Pugh", "CLIF-C OF", "ACLF grade", "missing next", "outcome"):
        assert column in demo.out
    for patient in ("invented-x-eligible", "invented-l-eligible", "invented-x-ineligible"):
        assert patient in demo.out
    assert demo.out.count("on-study") == 2
    assert len(re.findall(r"\bon 20\d\d-\d\d-\d\d", demo.out)) == 2
    assert "Death by week 12: no" in " ".join(demo.out.split())


def test_every_resource_is_accounted_for(demo: Demo, examples: Path) -> None:
    counts = {
        name.strip(): int(count)
        for name, count in re.findall(r"^│ +([a-z ]+?) +│ +(\d+) │$", demo.out, re.MULTILINE)
    }
    lines = sum(
        1
        for path in (examples / "invented").rglob("*.ndjson")
        for line in path.read_bytes().splitlines()
        if line.strip()
    )
    assert counts["pushed"] == lines
    assert counts["pushed"] == counts["stored"] + counts["duplicate"] + counts["refused"]
    assert counts["stored"] + counts["duplicate"] == (
        counts["mapped"] + counts["not needed"] + counts["held"]
    )
    assert "broken.ndjson:1" in demo.err


def test_every_line_it_prints_works(demo: Demo) -> None:
    urls = re.findall(r"curl -s '([^']+)'", demo.out)
    assert len(urls) >= 9
    with requests.Session() as session:
        session.trust_env = False
        for url in urls:
            assert session.get(url, timeout=60).status_code == 200, url


def test_the_same_push_again_changes_nothing(demo: Demo, examples: Path, tmp_path: Path) -> None:
    base = f"http://127.0.0.1:{demo.port}/fhir"
    with requests.Session() as session:
        session.trust_env = False

        def state() -> dict[str, str]:
            found = {}
            for type_ in ("Observation", "ResearchSubject", "Provenance", "Patient"):
                answer = session.get(f"{base}/{type_}?_count=1000", timeout=60).json()
                for entry in answer["entry"]:
                    one = entry["resource"]
                    found[f"{type_}/{one['id']}"] = one["meta"]["versionId"]
            return found

        before = state()
        ended = subprocess.run(
            [*COMMAND, "send", str(examples / "invented"), base],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert "× 201" not in ended.stdout, ended.stdout
        assert state() == before


def test_it_runs_twice_in_a_row_and_ends_cleanly(demo: Demo, examples: Path) -> None:
    assert demo.stop(signal.SIGINT) == 0
    again = Demo(demo.folder, examples)
    again.wait()
    assert "duplicate" in again.out
    assert again.stop(signal.SIGTERM) == 0
    log = (demo.folder / "build" / "demo.log").read_text()
    assert "stopped" in log
    assert "Fatal" not in log
    assert "Traceback" not in log


def test_the_server_ends_with_the_demo_however_it_ends(tmp_path: Path, examples: Path) -> None:
    demo = Demo(tmp_path, examples)
    demo.wait()
    demo.stop(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", demo.port), timeout=1).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.2)
    pytest.fail("the server is still there")


def test_a_port_in_use_is_told(tmp_path: Path, examples: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = subprocess.run(
            [*COMMAND, "demo", str(examples), "--port", str(taken.getsockname()[1])],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 15
    assert "Traceback" not in ended.stderr


class _Elsewhere(BaseHTTPRequestHandler):
    """A gateway of somebody else's, ready for anything; it keeps what it is asked."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        pass


def test_a_gateway_that_runs_already_is_left_alone(tmp_path: Path, examples: Path) -> None:
    database = tmp_path / "build" / "demo.sqlite"
    database.parent.mkdir()
    database.write_bytes(b"in use")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        ended = subprocess.run(
            [*COMMAND, "demo", str(examples), "--port", str(other.server_port)],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        other.shutdown()
    assert ended.returncode == 15
    assert f"{other.server_port} cannot be bound" in ended.stderr
    assert "--port" in ended.stderr
    assert _Elsewhere.asked == []
    assert database.read_bytes() == b"in use"


def test_acts_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"resourceType": "Patient", "id": "p"}))
    (tmp_path / "people.yaml").write_text("acts: [{trial: x}]")
    ended = subprocess.run(
        [*COMMAND, "demo", str(tmp_path), "--port", "1"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 10
    assert "people.yaml" in ended.stderr
