"""Accounts, log-in and its limits, second factors, and access to staff pages."""
