"""Staff pages about bookings and money."""
