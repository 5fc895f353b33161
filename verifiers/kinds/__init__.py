"""Kinds of checks: one module a kind with `check(params, view) -> (score, why)`, and its params' JSON Schema beside it."""
