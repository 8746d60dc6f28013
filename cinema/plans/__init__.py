"""Seating plans: reading, checking, storing and drawing."""
