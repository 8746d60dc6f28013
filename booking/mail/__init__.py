"""Mails about bookings: their texts, the calendar file, and mails kept as files."""
