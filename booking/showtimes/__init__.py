"""Import of showtimes, opening of sales, blocking of seats."""
