"""The language of the dataset: YAML schemas, the records that stages exchange, and how both are read and written."""
