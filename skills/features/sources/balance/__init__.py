"""What __MEASURE__ has come to by each day."""
