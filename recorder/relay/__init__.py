"""The relay between two WebSocket connections: framing, legs, delivery, the tap, and how a session ends."""
