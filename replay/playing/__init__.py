"""What the replay server and the replay client share: commands, connection, pacing, ids, matching."""
