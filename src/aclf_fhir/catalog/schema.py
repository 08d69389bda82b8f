"""Checks data files against the JSON Schemas that ship beside them."""

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from aclf_fhir.catalog.files import DataFile, data_root
from aclf_fhir.catalog.issues import meant
from aclf_fhir.errors import Category, Issue

__all__ = ["check_files", "schema_path"]


def _is_integer(_checker: object, value: object) -> bool:
    """Take a decimal without a fraction for an integer, as JSON Schema does."""
    return isinstance(value, Decimal) and value == value.to_integral_value()


_Validator: Any = extend(  # type: ignore[no-untyped-call] # jsonschema's extend has no types
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


def schema_path(kind: str) -> Path:
    """Return the JSON Schema file of one kind of data file."""
    name = "trial" if kind == "trials" else kind
    return data_root() / "mappings" / "schemas" / f"{name}.schema.json"


def check_files(files: Iterable[DataFile]) -> list[Issue]:
    """Return everything the schemas say against these files."""
    validators: dict[str, Any] = {}
    issues = []
    for file in files:
        if file.kind not in validators:
            schema = json.loads(schema_path(file.kind).read_text(encoding="utf-8"))
            validators[file.kind] = _Validator(schema)
        issues += [
            issue
            for top in validators[file.kind].iter_errors(file.tree)
            for error in _leaves(top)
            for issue in _issues(file, error)
        ]
    return issues


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Yield what went wrong inside, where an error only says that nothing fitted."""
    schema = error.schema if isinstance(error.schema, dict) else {}
    if error.validator in {"anyOf", "oneOf"} and error.context and "description" not in schema:
        for inner in error.context:
            yield from _leaves(inner)
    else:
        yield error


def _issues(file: DataFile, error: ValidationError) -> Iterator[Issue]:
    path = ""
    for step in error.absolute_path:
        path += f"[{step}]" if isinstance(step, int) else f"{'.' if path else ''}{step}"
    instance: Any = error.instance
    if error.validator == "additionalProperties" and isinstance(error.schema, dict):
        known = list(error.schema.get("properties", ()))
        for key in (key for key in instance if key not in known):
            where = f"{file.name}: {path}{'.' if path else ''}{key}"
            expected = f"{meant(key, known)}expected only: {', '.join(known)}"
            yield Issue(Category.INVALID, where, "there is no such key here", expected)
        return
    where = f"{file.name}: {path}" if path else file.name
    yield Issue(Category.INVALID, where, _message(error), _expected(error))


def _message(error: ValidationError) -> str:
    """Say what is wrong, without Python's spelling of decimals."""
    if error.validator == "required":
        return str(error.message)
    shown = error.instance
    if isinstance(shown, dict | list):
        return f"does not fit ({error.validator})"
    return f"{str(shown)!r} does not fit"


def _expected(error: ValidationError) -> str:
    """Say what was expected, in the schema's own words where it has any."""
    schema = error.schema if isinstance(error.schema, dict) else {}
    if "description" in schema:
        return f"expected {schema['description']}"
    wanted: Any = error.validator_value
    match error.validator:
        case "type":
            return f"expected {wanted}"
        case "enum":
            names = [str(one) for one in wanted]
            return f"{meant(str(error.instance), names)}expected one of: {', '.join(names)}"
        case "pattern":
            return f"expected text like {wanted}"
        case "required":
            return f"expected {', '.join(wanted)}"
        case _:
            return f"expected {error.validator}: {wanted}"
