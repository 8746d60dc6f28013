"""Choosing for a party: several seats by one tap, best seats, a lost race, filters, the list by row."""
