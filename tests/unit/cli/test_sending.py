import json
from pathlib import Path

import pytest
import responses
from typer.testing import CliRunner

from aclf_fhir.cli import app

BASE = "http://127.0.0.1:9/fhir"


@pytest.mark.parametrize(("status", "code"), [("201 Created", 0), ("422 Unprocessable", 10)])
@pytest.mark.parametrize("metadata", [(404, ""), (200, "<html>"), (200, "{}")])
def test_a_server_without_a_statement_has_been_sent_everything_all_the_same(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    metadata: tuple[int, str],
    status: str,
    code: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.ndjson").write_text('{"resourceType":"Patient","id":"p"}\n')
    answer = {"resourceType": "Bundle", "entry": [{"response": {"status": status}}]}
    with responses.RequestsMock() as wire:
        wire.post(BASE, body=json.dumps(answer))
        wire.get(f"{BASE}/metadata", status=metadata[0], body=metadata[1])
        ended = CliRunner().invoke(app, ["send", "p.ndjson", BASE])
    assert ended.exit_code == code, ended.output
    assert "Sent 1 resources" in ended.output
    assert "gives no account of the push" in ended.output
