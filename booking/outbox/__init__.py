"""Work that must happen after a commit: messages in a table, who handles them, and periodic tasks."""
