"""Format and parse money. Everywhere else amounts are integers in minor units."""

from __future__ import annotations

import re

# Currencies without a minor unit, as defined by Stripe.
ZERO_DECIMAL = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
THREE_DECIMAL = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))
# Amounts in these must be divisible by the step, as Stripe requires: the last digits exist and are 0.
STEPS = {"ISK": 100, "UGX": 100} | dict.fromkeys(THREE_DECIMAL, 10)
SIGNS = {"GBP": "£", "EUR": "€", "USD": "$", "INR": "₹", "JPY": "¥"}


def minor_digits(currency: str) -> int:
    """The number of decimals of an amount."""
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def coin(currency: str) -> int:
    """The step of amounts that a card can be charged, in minor units; mostly 1."""
    return STEPS.get(currency, 1)


def format_money(amount: int, currency: str) -> str:
    """`£12.50`, `£12` for a whole amount, `CHF 12.50` for a currency without a sign in `SIGNS`."""
    currency = currency.upper()
    digits = minor_digits(currency)
    whole, part = divmod(abs(amount), 10**digits)
    number = f"{whole:,}" + (f".{part:0{digits}d}" if part else "")
    minus = "−" if amount < 0 else ""
    return f"{minus}{SIGNS[currency]}{number}" if currency in SIGNS else f"{minus}{currency} {number}"


def parse_money(text: str, currency: str) -> int:
    """Minor units of a written amount: `12`, `12.5` and `12.50` pounds are 1200, 1250 and 1250.

    Raises:
        ValueError: with the reason, worded to follow the name of a field.
    """
    digits = minor_digits(currency)
    found = re.fullmatch(r"(\d{1,12})(?:\.(\d+))?", text, re.ASCII)
    if not found:
        raise ValueError(f"must be an amount in {currency} such as {money_text(1250, currency)}")
    whole, part = found[1], found[2] or ""
    if len(part) > digits:
        raise ValueError(f"has more than {digits} decimals" if digits else f"has decimals; {currency} has none")
    return int(whole + part.ljust(digits, "0"))


def money_text(amount: int, currency: str) -> str:
    """An amount in the form that `parse_money` reads: `12.50`."""
    digits = minor_digits(currency)
    whole, part = divmod(amount, 10**digits)
    return f"{whole}.{part:0{digits}d}" if digits else str(whole)
