"""WebSocket consumers, their limits, and the Origins that may connect."""
