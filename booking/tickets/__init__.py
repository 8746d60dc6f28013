"""Tickets and their signed codes."""
