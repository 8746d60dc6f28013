"""Read the price of a seat, or a fee, from a file or a form."""

from __future__ import annotations

from cinema.currencies import money_text, parse_money

MAX_PRICE = 20_000_000  # minor units; a hundred such seats still fit into the total of a booking


def parse_price(text: str, currency: str) -> int:
    """Minor units. Raises ValueError with the reason; 0 is refused, because it cannot be paid."""
    price = parse_fee(text, currency)
    if price == 0:
        raise ValueError("must be more than nothing")
    return price


def parse_fee(text: str, currency: str) -> int:
    """Minor units of an amount that may be 0, at most the largest price. Raises ValueError with the reason."""
    amount = parse_money(text.strip(), currency)
    if amount > MAX_PRICE:
        raise ValueError(f"must be at most {money_text(MAX_PRICE, currency)}")
    return amount
