"""Boxes that hold an agent's workspace, the tools an agent has in them, and the harness that plays an episode."""
