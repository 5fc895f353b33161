"""How far __MEASURE__ goes apart."""
