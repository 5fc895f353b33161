"""The best __MEASURE__ of each __GROUP__."""
