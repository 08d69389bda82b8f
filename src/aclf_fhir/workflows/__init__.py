"""Use cases: one function each, from a request understood to an answer decided."""
