"""Refund terms: the arithmetic, and the sentences that explain them to a buyer."""
