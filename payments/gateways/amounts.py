"""Which amounts a card can be charged: every currency's rules, in one place. Amounts are minor units, as at Stripe.

Currencies without a minor unit (JPY and others, `cinema.currencies`) have whole units. ISK and UGX have none either,
but Stripe expects two decimals, which must be 0; of three decimals (KWD and others) the last must be 0.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from cinema.currencies import coin, format_money, money_text

# If the account settles in the same currency; otherwise about half a US dollar, which Stripe itself checks.
SMALLEST = dict.fromkeys(("AUD", "BRL", "CAD", "CHF", "EUR", "INR", "JPY", "NZD", "SGD", "USD"), 50) | {
    "AED": 200,
    "CZK": 1500,
    "DKK": 250,
    "GBP": 30,
    "HKD": 400,
    "HUF": 17500,
    "MXN": 1000,
    "MYR": 200,
    "NOK": 300,
    "PLN": 200,
    "RON": 200,
    "SEK": 300,
    "THB": 1000,
}
LARGEST = 99_999_999


def why_not(amount: int, currency: str) -> str:
    """The sentence that says why a card cannot be charged this amount; "" when it can. 0 is no charge."""
    step = coin(currency)
    if not amount:
        return ""
    if amount < SMALLEST.get(currency, 1):
        smallest = format_money(SMALLEST[currency], currency)
        return _("The smallest amount that can be paid by card is %s.") % smallest
    if amount > LARGEST:
        return _("The largest amount that can be paid by card is %s.") % format_money(LARGEST, currency)
    if amount % step:
        example = money_text(amount - amount % step, currency)
        return _(
            "%(currency)s is charged in steps of %(step)s, such as %(example)s. The cinema has to change its price."
        ) % {
            "currency": currency,
            "step": money_text(step, currency),
            "example": example,
        }
    return ""
