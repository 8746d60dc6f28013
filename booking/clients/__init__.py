"""Where requests come from, as limits count them, and how often one such place may do what costs something.

`client` finds the address or the account that a request counts for; `pace` counts what happens, for all processes
together. How many seats a client may hold locked is a rule of locks: `booking.lock_limits`. Numbers and their
arithmetic: docs/limits.md.
"""
