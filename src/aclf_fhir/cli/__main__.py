"""`python -m aclf_fhir.cli`."""

from aclf_fhir.cli import main

main()
