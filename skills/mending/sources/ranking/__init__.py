"""A ranking by __MEASURE__."""
