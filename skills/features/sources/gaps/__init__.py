"""How long it has been since each __PARTY__ occurred before."""
