"""Files that hold sessions: cassettes, which earwitness writes, and captures of others. No file is opened here."""
