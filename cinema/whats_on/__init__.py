"""What's on: filters, the front page, listings, the film pages and their API."""
