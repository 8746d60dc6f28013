"""Accounts, sign-in, and access to staff pages."""
