"""Transcripts: lines, what was heard, times, text, subtitles, page."""
