"""The one rule for a mail address: at checkout, at sign-up, in a change of address, and in the admin. Pure."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError

from cinema.plain_text import escape_controls

LONGEST, LONGEST_LOCAL, LONGEST_DOMAIN = 254, 64, 253  # characters, by SMTP
LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
DOMAIN = re.compile(r"(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)+(?!-)(?=[0-9-]*[a-z])[a-z0-9-]{2,63}(?<!-)", re.IGNORECASE)


def read_address(text: str) -> str:
    """The address, without spaces at its ends.

    It can stand in a header as it is: a local part without quotation marks, and a domain name of two labels or more,
    also an international one. Quoted local parts, numbers in brackets and this machine's own names are refused,
    although RFC 5321 allows them: nobody who buys a ticket has one, and each is a way around a filter.

    Raises:
        ValueError: with a sentence for whoever typed it.
    """
    if escape_controls(text) != text:
        raise ValueError("An address has no line breaks and no invisible characters in it.")
    address = text.strip()
    if len(address) > LONGEST:
        raise ValueError("That address is too long.")
    local, _, domain = address.rpartition("@")
    if not LOCAL.fullmatch(local) or len(local) > LONGEST_LOCAL:
        raise ValueError("An address looks like name@example.com.")
    if domain.startswith("["):
        raise ValueError("An address ends with a name such as example.com, not with a number in brackets.")
    ascii_domain = _ascii_domain(domain)
    if not DOMAIN.fullmatch(ascii_domain) or len(ascii_domain) > LONGEST_DOMAIN:
        raise ValueError("An address looks like name@example.com.")
    return address


def ascii_address(address: str) -> str:
    """The address with an international domain in its ASCII form (`xn--…`)."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{_ascii_domain(domain) or domain}"


def validate_address(value: str) -> None:
    """The rule as a Django validator. Raises ValidationError."""
    try:
        read_address(value)
    except ValueError as error:
        raise ValidationError(str(error), code="invalid") from error


def _ascii_domain(domain: str) -> str:
    """ "" for a domain that has no ASCII form."""
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
