"""The recording proxy: its listener, its sessions and their handshakes, and what it decides."""
