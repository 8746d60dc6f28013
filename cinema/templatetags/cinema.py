"""Words and numbers as pages say them. Loaded into every template."""

from __future__ import annotations

from django import template

from cinema.currencies import format_money

register = template.Library()


@register.filter
def money(amount: int | None, currency: str) -> str:
    """`{{ 1250|money:"GBP" }}` is £12.50; whole pounds lose their pence."""
    return "" if amount is None else format_money(amount, currency)


@register.filter
def hours_and_minutes(minutes: int | None) -> str:
    """153 is `2 h 33 min`."""
    if not minutes:
        return ""
    hours, rest = divmod(minutes, 60)
    return " ".join(filter(None, [f"{hours} h" if hours else "", f"{rest} min" if rest else ""]))
