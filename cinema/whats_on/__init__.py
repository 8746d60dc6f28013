"""What's on: filters, the front page, listings, the film pages and the public API."""
