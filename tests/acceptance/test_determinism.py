"""The same record, versions, T and K: the same bytes, whoever computes them and wherever."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.answering import learn
from tests.conftest import ROOT

pytestmark = [pytest.mark.real_clock, pytest.mark.slow]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What SQLite answers in this process, everything having arrived in the chart's order."""
    return learn(f"sqlite:///{tmp_path_factory.mktemp('reference')}/one.sqlite", order=0)


def test_another_process_and_another_database_answer_the_same_bytes(
    reference: bytes, database_url: str
) -> None:
    assert json.loads(reference)["entry"], "an empty answer would prove nothing"
    assert learn(database_url, order=1) == reference
    for seed in ("0", "4242"):
        answered = subprocess.run(
            [sys.executable, "-m", "tests.acceptance.answering", database_url],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        assert answered.stdout == reference, f"PYTHONHASHSEED={seed}"


@pytest.mark.parametrize("order", [2, 3, 4])
def test_one_by_one_in_any_order_says_the_same(
    reference: bytes, order: int, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/one_by_one.sqlite"
    answered = learn(url, order=order, apart=timedelta(seconds=20))
    assert timeless(json.loads(answered)) == timeless(json.loads(reference))
    assert answered != reference, "when each fact was learnt is shown"


def timeless(tree: Any) -> Any:
    """Leave out when facts were received, which is what arriving later changes."""
    if isinstance(tree, dict):
        return {name: timeless(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [timeless(one) for one in tree if not received(one)]
    return tree


def received(part: Any) -> bool:
    return isinstance(part, dict) and part.get("url") == "received"
