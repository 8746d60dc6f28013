"""WebSocket consumers, and who may connect."""
