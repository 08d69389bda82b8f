"""FHIR R4 gateway between hospital systems and trials of acute-on-chronic liver failure."""
