"""How the product talks to PostgreSQL and SQLite; knows no cinema.

The docstring of each module names the undocumented parts of psycopg and Django that it uses. It works without them,
too.
"""
