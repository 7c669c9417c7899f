"""Importers: files that others wrote, or that earwitness exported, become sessions in the journal."""

from .files import ImportedSession, import_file, read_file

__all__ = ["ImportedSession", "import_file", "read_file"]
