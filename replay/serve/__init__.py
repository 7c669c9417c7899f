"""The replay server: a recording served to a client under test."""
