"""Shared by the imports of files: bad rows, the base command, and the reader of showtimes."""
