"""What every import of a file shares: rows, and how a bad one is named."""
