"""__MEASURE__ by month."""
