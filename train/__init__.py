"""From verdicts to weights: token sequences, supervised and reinforced fine-tuning, and serving what comes out."""

import os

# Everything is read from local folders; without this the first load of a model looks for a hub and can hang for minutes.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
# With more threads than free cores, threads that spin at OpenMP's barriers slow a step down several times.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
