"""The recording proxy: listener, handshake, sessions, and what it decides."""
