"""Writing the journal: session writers, the group committer, batches, recovery."""
