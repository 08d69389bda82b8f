"""HTTP: parse a request, call one workflow, render its answer."""

from aclf_fhir.api.app import create_app

__all__ = ["create_app"]
