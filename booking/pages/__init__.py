"""The pages and the API of showtimes and bookings."""
