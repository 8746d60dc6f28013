"""HTTP: problems, client addresses, static files, and the registry of metrics."""
