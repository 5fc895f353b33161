"""The latest __WHEN__ of each __PARTY__."""
