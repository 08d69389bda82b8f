"""Real processes on loopback: a gateway started as a user starts it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests.conftest import ROOT

COMMAND = [sys.executable, "-m", "aclf_fhir.cli"]
_URL = re.compile(rb"http://127\.0\.0\.1:(\d+)/")


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_PROXY": "*", "COLUMNS": "200"}


def run(
    *arguments: object, cwd: Path, timeout: float = 120.0
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@dataclass
class Server:
    """A gateway process that can be started, stopped and killed."""

    folder: Path
    database: str
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/fhir"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def start(self) -> None:
        command = [*COMMAND, "serve", "--port", str(self.port), "--site", "demo"]
        command += ["--database", self.database]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--as-of", "last"],
                cwd=self.folder,
                env=environment(),
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            found = _URL.search(self.log.read_bytes())
            if found:
                self.port = int(found[1])
                try:
                    if self.session.get(f"{self.base[:-5]}/ready", timeout=5).ok:
                        return
                except requests.ConnectionError:
                    pass
            time.sleep(0.05)
        pytest.fail(self.log.read_text())

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        code = self.process.wait(30)
        self.process = None
        return code


@pytest.fixture
def server(tmp_path: Path, database_url: str) -> Iterator[Server]:
    server = Server(tmp_path, database_url)
    server.session.trust_env = False
    server.start()
    yield server
    if server.process is not None:
        server.process.kill()
        server.process.wait()
    server.session.close()
