"""Vocabularies: names and shapes, how a session's dialect is detected, and the way to canonical events and back."""
