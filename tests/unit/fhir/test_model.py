# ruff: noqa: E501 - bodies stand on one line, as they are sent
import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal

import msgspec
import pytest

from aclf_fhir.errors import AclfError
from aclf_fhir.fhir import encode, model, parse_resource, r4, resource_type_of, resource_types
from aclf_fhir.fhir.elements import elements_of
from aclf_fhir.fhir.primitives import Base, fhir_name
from aclf_fhir.fhir.quick import may_nest
from aclf_fhir.fhir.r4.datatypes import CodeableConcept, Quantity
from aclf_fhir.fhir.validation import _FLAT


def test_every_type_has_a_model() -> None:
    assert len(resource_types()) == 146
    for name in resource_types():
        assert model(name).__name__ == name
        assert elements_of(model(name)).elements
    with pytest.raises(AclfError) as caught:
        model("Pill")
    assert caught.value.http == 404


def test_names_are_fhirs() -> None:
    assert fhir_name("value_quantity") == "valueQuantity"
    assert fhir_name("class_") == "class"
    assert fhir_name("status_ext") == "_status"
    assert "carrierHRF" in {e.name for e in elements_of(r4.device.DeviceUdiCarrier).elements}


def test_decimals_keep_their_digits() -> None:
    body = b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.20}}'
    resource = parse_resource(body)
    assert isinstance(resource, r4.Observation)
    assert resource.value_quantity is not None
    assert str(resource.value_quantity.value) == "1.20"
    assert encode(resource) == body


def test_resources_are_built_and_written() -> None:
    built = r4.Observation(
        status="final",
        code=CodeableConcept(text="x"),
        value_quantity=Quantity(value=Decimal("3.40")),
    )
    assert parse_resource(encode(built)) == built
    with pytest.raises(AttributeError):
        built.status = "amended"


def test_the_type_is_told_without_parsing() -> None:
    assert resource_type_of(b' {\n "resourceType" : "Patient"') == "Patient"
    assert resource_type_of(b'{"id":"1","resourceType":"Patient"}') == "Patient"
    assert resource_type_of(b'{"id":"1"}') is None
    assert resource_type_of(b"[") is None


def test_a_type_is_loaded_when_asked_for() -> None:
    code = (
        "import sys, aclf_fhir.fhir as f; n = 'aclf_fhir.fhir.r4.claim'; assert n not in sys.modules;"
        "f.model('Claim'); assert n in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def _depths(struct: type[Base], seen: tuple[type[Base], ...] = ()) -> Iterator[int]:
    """Walk every way down that avoids what may nest; a circle fails the test."""
    assert struct not in seen, [one.__name__ for one in (*seen, struct)]
    yield 1
    for child, many in _children(struct):
        yield from ((1 + many) + deepest for deepest in (_deepest(child, (*seen, struct)),))


def _children(struct: type[Base]) -> set[tuple[type[Base], bool]]:
    return {
        (element.struct, element.many)
        for element in elements_of(struct).elements
        if element.struct and not may_nest(struct, element.struct)
    }


_KNOWN: dict[type[Base], int] = {}


def _deepest(struct: type[Base], seen: tuple[type[Base], ...] = ()) -> int:
    if struct not in _KNOWN:
        _KNOWN[struct] = max(_depths(struct, seen))
    return _KNOWN[struct]


def test_nothing_nests_but_what_is_known_to() -> None:
    """The quick pass looks at the depth of a body only when it meets one of those."""
    assert max(_deepest(model(name)) for name in resource_types()) <= _FLAT


def test_structs_refuse_what_r4_does_not_know() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps({"text": "x", "y": 1}), type=CodeableConcept)
