"""Totals by __GROUP__."""
