"""Rows that are there more than once."""
