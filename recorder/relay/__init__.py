"""The relay between two WebSocket connections: framing, legs, the tap."""
