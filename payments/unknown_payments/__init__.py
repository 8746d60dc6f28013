"""Payments of this shop that its database does not know: made after the backup that was restored."""
