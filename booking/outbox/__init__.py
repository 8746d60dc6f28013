"""Work after a commit: the table of messages, the workers that handle them, and the registry of periodic tasks."""
