"""One gateway process that has been pushed `examples/` the way `aclf-fhir demo` pushes it."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aclf_fhir.batch import SendSummary, read_sources, send
from aclf_fhir.cli.people import perform, read_acts
from aclf_fhir.codes import local_system
from aclf_fhir.remote import FhirServer
from aclf_fhir.workflows.trial_reading import TRIAL_TYPES
from tests.conftest import ROOT
from tests.integration.cli.conftest import Server

EXAMPLES = ROOT / "examples"
TRIALS = ("nct02857010", "nct03668171")

Resource = dict[str, Any]


class World:
    """A gateway, and what its clients see of it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.client = FhirServer(server.base)
        self.root = server.base.removesuffix("/fhir")

    def push(self, name: str, folder: Path = EXAMPLES, *, decide: bool) -> list[SendSummary]:
        """Push a folder in the order of its people's acts; perform them if asked to."""
        left = read_sources(folder)
        summaries = []
        for act in read_acts(folder):
            part = [item for item in left.items if act.waits_for(item.path, folder)]
            left = replace(left, items=[item for item in left.items if item not in part])
            summaries.append(self._send(name, folder, replace(left, items=part)))
            if decide:
                perform(self.client, act)
        return [*summaries, self._send(name, folder, left)]

    def _send(self, name: str, folder: Path, sources: Any) -> SendSummary:
        return send(self.client, sources, source=folder, batch_size=200, push=name)

    def get(self, path: str) -> bytes:
        """Return the bytes of an answer, of any zone."""
        answer = self.server.session.get(f"{self.root}/{path}", timeout=60)
        assert answer.status_code == 200, f"{path}: {answer.text[:500]}"
        return answer.content

    def pages(self, path: str) -> Iterator[bytes]:
        """Yield every page of a search, once nothing waits for its evaluation."""
        page = self.get(path)
        while b'"mode":"outcome"' in re.sub(rb"\s", b"", page):
            page = self.get(path)
        while True:
            yield page
            links = {one["relation"]: one["url"] for one in json.loads(page)["link"]}
            if "next" not in links:
                return
            page = self.get(links["next"].removeprefix(f"{self.root}/"))

    def search(self, path: str) -> list[Resource]:
        """Return every match of a search."""
        return [
            entry["resource"]
            for page in self.pages(path)
            for entry in json.loads(page).get("entry", ())
            if entry["search"]["mode"] == "match"
        ]

    def site_types(self) -> list[str]:
        """Return the types that the site's endpoint searches."""
        statement = json.loads(self.get("fhir/metadata"))
        return [
            one["type"]
            for one in statement["rest"][0]["resource"]
            if any(can["code"] == "search-type" for can in one["interaction"])
        ]

    def everything(self) -> dict[str, str]:
        """Return the version of every current resource of both zones."""
        self.search("fhir/Observation?_count=0")
        paths = [f"fhir/{type_}" for type_ in self.site_types()]
        paths += [f"trials/{trial}/fhir/{type_}" for trial in TRIALS for type_ in TRIAL_TYPES]
        return {
            f"{path}/{one['id']}": one["meta"]["versionId"]
            for path in paths
            for one in self.search(f"{path}?_count=1000")
        }

    def derived(self, patient: str, category: str, code: str = "") -> list[Resource]:
        """Return what the gateway derived about a patient, `final` or not."""
        coded = f"&code={code}" if code else ""
        found = self.search(f"fhir/Observation?patient={patient}&category={category}{coded}")
        return [one for one in found if one.get("meta", {}).get("tag")]

    def account(self, push: str) -> tuple[dict[str, int], list[dict[str, Any]]]:
        """Return the sums of a push, and its groups with their names."""
        sums, groups = {}, []
        for parameter in json.loads(self.get(f"fhir/$intake?push={push}"))["parameter"]:
            if "part" in parameter:
                parts = {part["name"]: value_of(part) for part in parameter["part"]}
                groups.append({"group": parameter["name"], **parts})
            else:
                sums[parameter["name"]] = value_of(parameter)
        return sums, groups


def strings(pages: Iterable[bytes]) -> set[str]:
    """Return every JSON string of some pages once, names of members included."""
    return {text for page in pages for text in re.findall(r'"([^"]*)"', page.decode())}


def value_of(element: Resource) -> Any:
    """Return a `value[x]` in a word or a number; None where there is none."""
    value = next((value for name, value in element.items() if name.startswith("value")), None)
    if not isinstance(value, dict):
        return value
    if "coding" in value:
        return value.get("text") or value["coding"][0]["code"]
    return value.get("value", value)


def code_of(resource: Resource, system: str) -> str:
    """Return the code that an element `code` has in one of the gateway's systems."""
    url = local_system(system)
    return next(one["code"] for one in resource["code"]["coding"] if one["system"] == url)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("gateway")
    server = Server(folder, f"sqlite:///{folder / 'gateway.sqlite'}")
    server.session.trust_env = False
    server.start()
    try:
        world = World(server)
        world.push("first", decide=True)
        yield world
    finally:
        server.stop()
        server.session.close()
