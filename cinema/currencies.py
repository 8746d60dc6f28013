"""Money as people read it. Amounts are integers in minor units everywhere else."""

from __future__ import annotations

# Currencies without a minor unit, as Stripe counts them.
ZERO_DECIMAL = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
THREE_DECIMAL = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))
SIGNS = {"GBP": "£", "EUR": "€", "USD": "$", "INR": "₹", "JPY": "¥"}


def minor_digits(currency: str) -> int:
    """How many digits of an amount stand behind the point."""
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def format_money(amount: int, currency: str) -> str:
    """`£12.50`, `£12` for a whole amount, `CHF 12.50` for a currency without a sign of its own here."""
    currency = currency.upper()
    digits = minor_digits(currency)
    whole, part = divmod(abs(amount), 10**digits)
    number = f"{whole:,}" + (f".{part:0{digits}d}" if part else "")
    minus = "−" if amount < 0 else ""
    return f"{minus}{SIGNS[currency]}{number}" if currency in SIGNS else f"{minus}{currency} {number}"
