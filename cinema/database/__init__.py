"""How the product talks to PostgreSQL and SQLite; knows no cinema.

What a module here relies on without being promised it (psycopg, Django) its docstring names; each does without.
"""
