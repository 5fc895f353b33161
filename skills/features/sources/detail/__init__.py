"""__GROUP__ by __GROUP__."""
