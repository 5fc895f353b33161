"""Verifiers: checks of what an agent left behind, grading, and the audit that measures each verifier before it is believed."""
