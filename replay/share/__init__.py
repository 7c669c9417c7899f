"""Sharing a recording: scrubbing, erasing, cassettes."""
