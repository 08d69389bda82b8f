"""Results as FHIR."""
