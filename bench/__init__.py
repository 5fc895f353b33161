"""The bench: choosing instances, adding up verdicts, the report, and walking an artifact back to its YAML."""
