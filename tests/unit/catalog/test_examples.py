"""Every analyte's own examples, as its file states them."""

from decimal import Decimal
from typing import Any

import pytest

from aclf_fhir.catalog import Catalog
from aclf_fhir.catalog.files import read_files
from aclf_fhir.errors import AclfError
from aclf_fhir.units import Interval

EXAMPLES = [
    pytest.param(name, example, id=f"{name}-{example['value']}-{example['unit']}")
    for file in read_files().of("analytes")
    for name, entry in file.tree["analytes"].items()
    for example in entry["examples"]
]


@pytest.mark.parametrize(("analyte_id", "example"), EXAMPLES)
def test_example(catalog: Catalog, analyte_id: str, example: dict[str, Any]) -> None:
    units = catalog.analytes[analyte_id].units
    if "refused" in example:
        with pytest.raises(AclfError) as caught:
            units.read(example["unit"])
        issue = caught.value.issues[0]
        assert example["refused"] in issue.message
        return
    reading = units.read(example["unit"])
    assert reading.mapped == example.get("mapped", example["unit"] == "")
    sent = Interval.exact(Decimal(example["value"]))
    assert units.convert(sent, reading.ucum, units.canonical).value == example["expect"]
