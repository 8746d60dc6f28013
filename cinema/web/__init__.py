"""HTTP: problem documents, client addresses, static files, template context, metrics."""
