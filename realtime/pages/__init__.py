"""HTTP pages: the board, health, metrics."""
