"""The pages of the board, health and metrics."""
