"""`aclf-fhir serve` as a process: start, stop, kill, refuse."""

import concurrent.futures
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.integration.api.conftest import bundle, laboratory, observation, patient
from tests.integration.cli.conftest import Server, run

pytestmark = [pytest.mark.real_clock, pytest.mark.slow]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_when_asked(server: Server, how: signal.Signals) -> None:
    answer = server.session.post(server.base, json=bundle("batch", patient(), *laboratory()))
    assert answer.status_code == 200
    assert server.stop(how) == 0
    log = server.log.read_text()
    assert "stopped" in log
    assert "Traceback" not in log
    assert not list(server.folder.glob("*-wal"))


def test_what_was_acknowledged_survives_a_kill(server: Server) -> None:
    server.session.put(f"{server.base}/Patient/pat-1", json=patient())
    acknowledged: list[str] = []
    stop = threading.Event()

    def push(worker: int) -> None:
        with requests.Session() as session:
            session.trust_env = False
            number = 0
            while not stop.is_set():
                id_ = f"o-{worker}-{number}"
                body = observation(id_, "2951-2", 130 + number % 10, "mmol/L")
                try:
                    answer = session.put(f"{server.base}/Observation/{id_}", json=body, timeout=10)
                except requests.RequestException:
                    return
                if answer.status_code == 201:
                    acknowledged.append(id_)
                number += 1

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        workers = [pool.submit(push, worker) for worker in range(8)]
        stop.wait(1.5)
        server.stop(signal.SIGKILL)
        stop.set()
        for worker in workers:
            worker.result()
    assert len(acknowledged) > 20
    server.start()
    for id_ in acknowledged:
        found = server.session.get(f"{server.base}/Observation/{id_}")
        assert (found.status_code, found.headers["ETag"]) == (200, 'W/"1"')


def test_many_connections_share_commits(server: Server) -> None:
    server.session.put(f"{server.base}/Patient/pat-1", json=patient())

    def push(number: int) -> Any:
        body = observation(f"o-{number}", "2951-2", 130 + number % 10, "mmol/L")
        return requests.put(f"{server.base}/Observation/o-{number}", json=body, timeout=30)

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(push, range(128)))
    assert {answer.status_code for answer in answers} == {201}
    instants = {answer.json()["meta"]["lastUpdated"] for answer in answers}
    assert len(instants) < 128


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])  # noqa: S104 - refused
def test_it_binds_loopback_only(tmp_path: Path, host: str) -> None:
    ended = run("serve", "--host", host, "--port", 0, cwd=tmp_path)
    assert ended.returncode == 14
    assert "loopback" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("serve", "--port", port, cwd=tmp_path)
    assert ended.returncode == 15
    assert str(port) in ended.stderr


def test_a_database_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    ended = run("serve", "--port", 0, "--database", "mysql://127.0.0.1/x", cwd=tmp_path)
    assert ended.returncode != 0
    assert "database" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_its_defaults_write_nothing_outside_the_current_folder(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    server = Server(here, "sqlite:///aclf-fhir.sqlite")
    server.session.trust_env = False
    server.start()
    assert server.stop() == 0
    assert {path.name for path in here.iterdir()} == {"aclf-fhir.sqlite", "server.log"}
    assert {path.name for path in tmp_path.iterdir()} == {"here"}


def test_its_log_holds_nothing_of_the_patient(server: Server) -> None:
    named = patient("pat-zq7", name=[{"family": "Okonkwo-Lindqvist"}])
    server.session.put(f"{server.base}/Patient/pat-zq7", json=named)
    server.session.get(f"{server.base}/Patient?family=Okonkwo-Lindqvist")
    server.session.get(f"{server.base}/Patient/pat-zq7/$screen?asOf=last")
    server.session.post(f"{server.base}/Patient", data=b'{"name": "Okonkwo-Lindqvist')
    assert server.stop() == 0
    log = server.log.read_text()
    assert log.count("event=request") >= 4
    assert "Okonkwo" not in log
    assert "zq7" not in log


def test_a_body_that_is_too_long_is_refused_before_it_is_all_sent(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(
            b"POST /fhir HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/fhir+json\r\n"
            b"Content-Length: 99000000000\r\n\r\n{"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
