"""Files that hold sessions: the cassette."""
