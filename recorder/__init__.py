"""Writing: proxy, tap, redaction, journal, importers."""
