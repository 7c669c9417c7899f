"""Comparing: two conversations by meaning, and a conversation with what its server states."""
