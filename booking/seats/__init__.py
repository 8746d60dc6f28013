"""Seat rows and what is read from them: map, labels, occupancy, prices, and the queue of each showtime."""
