"""The journal: the append-only store of frames."""
