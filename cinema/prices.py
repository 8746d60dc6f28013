"""What a seat may cost: the amounts that a person types, in a file or in a form."""

from __future__ import annotations

from cinema.currencies import money_text, parse_money

HIGHEST = 20_000_000  # minor units; a hundred such seats are still an amount that a booking can hold


def parse_price(text: str, currency: str) -> int:
    """Minor units. Raises ValueError with the reason; nothing is no price, because nobody could pay it."""
    price = parse_money(text.strip(), currency)
    if price == 0:
        raise ValueError("must be more than nothing")
    if price > HIGHEST:
        raise ValueError(f"must be at most {money_text(HIGHEST, currency)}")
    return price
