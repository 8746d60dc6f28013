"""Mails about bookings, their calendar file, and the backend that writes mails as files."""
