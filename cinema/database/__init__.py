"""How the product talks to PostgreSQL and SQLite. Knows no cinema."""
