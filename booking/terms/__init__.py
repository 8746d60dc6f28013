"""Refund terms, and the words for them."""
