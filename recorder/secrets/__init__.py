"""Secrets: where they stand in handshakes and messages, and the markers that replace them."""
