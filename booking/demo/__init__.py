"""The demo's sales."""
