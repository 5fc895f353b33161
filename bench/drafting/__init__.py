"""Specs drafted by a language model for a person to review: what it is told, what it answers, and how that is tried without trust."""
