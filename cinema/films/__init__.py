"""Films: import, languages, trailers."""
