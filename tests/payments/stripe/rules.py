"""What Stripe's API accepts in its form encoding, and its errors for everything else.

Only the parameters that a shop like this one sends are known: any other name, also a real one, is refused, so that a
misspelt parameter never passes.
"""

import re
import time
from urllib.parse import parse_qsl, urlsplit

# Smallest charges, in minor units, where the account settles in the same currency.
SMALLEST = {"gbp": 30, "usd": 50, "eur": 50, "jpy": 50, "inr": 50, "chf": 50, "sek": 300, "czk": 1500, "huf": 17500}
LARGEST = 99_999_999
LAST_DIGITS = {"isk": 100, "ugx": 100, "kwd": 10, "bhd": 10, "jod": 10, "omr": 10, "tnd": 10}


class ApiError(Exception):
    """An answer that is an error: without an effect, and not stored under the idempotency key."""

    def __init__(self, status, message, code="", kind="invalid_request_error", param=None):
        super().__init__(message)
        error = {"type": kind, "message": message} | ({"code": code} if code else {}) | {"param": param}
        self.status, self.body = status, {"error": error}


def text(most=5000):
    def check(name, value):
        if not isinstance(value, str):
            raise ApiError(400, f"Invalid string: {name}", "parameter_invalid_string", param=name)
        if not value:
            raise ApiError(400, f"You passed an empty string for '{name}'.", "parameter_invalid_empty", param=name)
        if len(value) > most:
            raise ApiError(400, f"Invalid string: {name} must be at most {most} characters", param=name)
        return value

    return check


def integer(least=None, most=None):
    def check(name, value):
        if not isinstance(value, str) or not re.fullmatch(r"-?\d+", value):
            raise ApiError(400, f"Invalid integer: {value}", "parameter_invalid_integer", param=name)
        number = int(value)
        if (least is not None and number < least) or (most is not None and number > most):
            raise ApiError(400, f"Invalid integer: {name} is out of range", "parameter_invalid_integer", param=name)
        return number

    return check


def boolean(name, value):
    if value not in ("true", "false"):
        raise ApiError(400, f"Invalid boolean: {value}", param=name)
    return value == "true"


def choice(*values):
    def check(name, value):
        if value not in values:
            raise ApiError(400, f"Invalid {name}: must be one of {', '.join(values)}", param=name)
        return value

    return check


def matching(pattern, what):
    def check(name, value):
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ApiError(400, f"Invalid {what}: {value}", param=name)
        return value

    return check


def listing(of, most=100):
    def check(name, value):
        if not isinstance(value, dict) or list(value) != [str(i) for i in range(len(value))]:
            raise ApiError(400, f"Invalid array: {name}", param=name)
        if not 0 < len(value) <= most:
            raise ApiError(400, f"Too many or too few of {name}: 1 to {most}", param=name)
        return [read(of, each, f"{name}[{i}]") for i, each in value.items()]

    return check


def metadata(name, value):
    if not isinstance(value, dict) or len(value) > 50:
        raise ApiError(400, f"{name} must have at most 50 keys", param=name)
    for key, each in value.items():
        if len(key) > 40 or not isinstance(each, str) or len(each) > 500:
            raise ApiError(400, f"Metadata {key}: 40 characters for a key, 500 for a value", param=f"{name}[{key}]")
    return dict(value)


def read(spec, value, name=""):
    """The parsed value; `spec` is a check or, for an object, a dict of them. Raises ApiError."""
    if not isinstance(spec, dict):
        return spec(name, value)
    if not isinstance(value, dict):
        raise ApiError(400, f"Invalid object: {name}", param=name)
    for key in value:
        if key not in spec:
            whole = f"{name}[{key}]" if name else key
            raise ApiError(400, f"Received unknown parameter: {whole}", "parameter_unknown", param=whole)
    return {key: read(spec[key], each, f"{name}[{key}]" if name else key) for key, each in value.items()}


def demand(given, *names, name=""):
    for key in names:
        if key not in given:
            whole = f"{name}[{key}]" if name else key
            raise ApiError(400, f"Missing required param: {whole}.", "parameter_missing", param=whole)


URL = matching(r"https?://[^\s]+", "URL")
CURRENCY = matching(r"[a-z]{3}", "currency")
EMAIL = matching(r"[^@\s]+@[^@\s]+\.[^@\s.]+", "email address")
SESSION = {
    "mode": choice("payment", "setup", "subscription"),
    "submit_type": choice("auto", "book", "donate", "pay", "subscribe"),
    "line_items": listing(
        {
            "quantity": integer(1),
            "price_data": {
                "currency": CURRENCY,
                "unit_amount": integer(0),
                "product_data": {"name": text(250), "description": text(), "metadata": metadata},
            },
        }
    ),
    "customer_email": EMAIL,
    "client_reference_id": text(200),
    "metadata": metadata,
    "payment_intent_data": {"metadata": metadata, "description": text(1000), "receipt_email": EMAIL},
    "allowed_payment_method_types": listing(choice("card", "klarna", "paypal", "sepa_debit", "link")),
    "adaptive_pricing": {"enabled": boolean},
    "expires_at": integer(),
    "success_url": URL,
    "cancel_url": URL,
    "locale": text(10),
}
SPAN = {"gt": integer(0), "gte": integer(0), "lt": integer(0), "lte": integer(0)}
PAGE = {
    "limit": integer(1, 100),
    "starting_after": text(),
    "ending_before": text(),
    "created": SPAN,
}
SESSION_LIST = PAGE | {"payment_intent": text(), "status": choice("open", "complete", "expired")}
REFUND = {
    "payment_intent": text(),
    "charge": text(),
    "amount": integer(1),
    "reason": choice("duplicate", "fraudulent", "requested_by_customer"),
    "metadata": metadata,
}
REFUND_LIST = PAGE | {"payment_intent": text(), "charge": text()}
DISPUTE_LIST = PAGE | {"payment_intent": text(), "charge": text()}
EVENT_LIST = PAGE | {"delivery_success": boolean, "type": text(), "types": listing(text(), 20)}


def read_session(parameters, now):
    """A session's parameters, with the rules between them. Raises ApiError."""
    given = read(SESSION, parameters)
    demand(given, "line_items", "mode", "success_url")
    for i, line in enumerate(given["line_items"]):
        demand(line, "price_data", "quantity", name=f"line_items[{i}]")
        demand(line["price_data"], "currency", "unit_amount", "product_data", name=f"line_items[{i}][price_data]")
    expires_at = given.setdefault("expires_at", int(now) + 86400)
    if not now + 1800 <= expires_at <= now + 86400:
        raise ApiError(
            400, "The `expires_at` timestamp must be 30 minutes to 24 hours from creation.", param="expires_at"
        )
    currencies = {line["price_data"]["currency"] for line in given["line_items"]}
    if len(currencies) > 1:
        raise ApiError(400, "All line items must have the same currency.", param="line_items")
    check_amount(sum(line["quantity"] * line["price_data"]["unit_amount"] for line in given["line_items"]), *currencies)
    return given


def check_amount(amount, currency):
    if amount and amount < SMALLEST.get(currency, 50):
        raise ApiError(
            400, f"The total amount due must add up to at least {SMALLEST.get(currency, 50)}", "amount_too_small"
        )
    if amount > LARGEST:
        raise ApiError(400, "The total amount due is too large", "amount_too_large")
    if amount % LAST_DIGITS.get(currency, 1):
        raise ApiError(400, f"Amounts in {currency} must be divisible by {LAST_DIGITS[currency]}", param="amount")


def read_refund(parameters):
    given = read(REFUND, parameters)
    if not given.keys() & {"payment_intent", "charge"}:
        raise ApiError(400, "One of the following params should be provided: payment_intent or charge.")
    return given


def read_form(body, content_type):
    """The parameters of a POST: the API accepts forms only."""
    if body and not content_type.startswith("application/x-www-form-urlencoded"):
        raise ApiError(400, f"Invalid request: unsupported content type {content_type}")
    return unflatten(parse_qsl(body.decode(), keep_blank_values=True))


def read_query(path):
    return unflatten(parse_qsl(urlsplit(path).query, keep_blank_values=True))


def unflatten(pairs):
    """`line_items[0][quantity]=2` as nested dicts."""
    result = {}
    for name, value in pairs:
        keys = name.replace("]", "").split("[")
        place = result
        for key in keys[:-1]:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise ApiError(400, f"Invalid parameter: {name}")
        place[keys[-1]] = value
    return result


def page(found, given, address):
    """A list as Stripe returns it: newest first, by cursor, `limit` 10 by default."""
    span = given.get("created", {})
    found = [
        each
        for each in sorted(found, key=lambda each: (each["created"], each["id"]), reverse=True)
        if span.get("gte", 0) <= each["created"] <= span.get("lte", time.time() * 2)
        and span.get("gt", -1) < each["created"] < span.get("lt", time.time() * 2)
    ]
    limit, ids = given.get("limit", 10), [each["id"] for each in found]
    start, stop = 0, None
    if cursor := given.get("starting_after") or given.get("ending_before"):
        if cursor not in ids:
            raise ApiError(400, f"No such object: {cursor}", "resource_missing")
        if "starting_after" in given:
            start = ids.index(cursor) + 1
        else:
            stop = ids.index(cursor)
            start = max(0, stop - limit)
    rest = found[start:stop]
    return {"object": "list", "url": address, "has_more": len(rest) > limit, "data": rest[:limit]}
