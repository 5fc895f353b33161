"""Instructions in other words, by a model or by hand: what they must keep, who checks it, and where the words are recorded."""
