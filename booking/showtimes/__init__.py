"""Showtimes as they are sold: import and opening sales."""
