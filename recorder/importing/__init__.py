"""Importers: files that others wrote, or that earwitness exported, become sessions in the journal."""

from .files import import_files, import_session, read_file
from .imported import ImportedSession

__all__ = ["ImportedSession", "import_files", "import_session", "read_file"]
