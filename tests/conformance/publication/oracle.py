"""What every rendered resource must pass."""

import json
from decimal import Decimal
from typing import Any

from fhir.resources.R4B import get_fhir_model_class

from aclf_fhir.fhir import encode, parse_resource


def conforms(body: bytes) -> None:
    """Check a resource against R4, against R4B's models, and digit by digit against itself."""
    parsed = parse_resource(body)
    # The structs are written in R4's order with every digit: nothing may be lost or moved.
    assert _spelled(encode(parsed)) == _spelled(body)
    get_fhir_model_class(type(parsed).__name__).model_validate_json(body)


def _spelled(body: bytes) -> Any:
    """Read JSON so that members keep their order and numbers their digits."""
    return json.loads(
        body,
        object_pairs_hook=list,
        parse_float=lambda text: format(Decimal(text), "f"),
        parse_int=str,
    )
