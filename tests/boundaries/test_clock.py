"""What is stored with an instant is decided by the database's time: `cinema.database.clock`, read at the edge."""

import ast

import pytest

from tests.boundaries.source import calls_of, name_of, plant, product_files

ROOMS = ("booking/", "payments/")
OWN_CLOCKS = {"timezone.now", "datetime.now", "datetime.utcnow", "datetime.today", "time.time", "time.time_ns"}
NAMES_A_FILE = {"booking/mail/files.py"}
SELLING = {"choose_seats", "lock_seats", "start_checkout"}
# Their callers have the time of sale as `at`.
USE_CASES = {"booking/basket.py", "booking/locks.py"}


def readers_of_own_clocks(found):
    return {
        (file, call.lineno)
        for file, tree in found.items()
        if file.startswith(ROOMS) and file not in NAMES_A_FILE
        for call in calls_of(tree)
        if isinstance(call.func, ast.Attribute) and f"{name_of(call.func.value)}.{call.func.attr}" in OWN_CLOCKS
    }


def sellers_by_another_time(found):
    """Functions that sell by a time that is not `time_of_sale()`, and so also where the clock is off."""
    return {
        (file, function.name)
        for file, tree in found.items()
        if file not in USE_CASES
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (called := {name_of(call.func) for call in calls_of(function)}) & SELLING
        and "time_of_sale" not in called
    }


def test_bookings_and_payments_are_decided_by_the_time_of_the_database():
    assert readers_of_own_clocks(product_files()) == set()


@pytest.mark.parametrize("line", ["timezone.now()", "datetime.now(UTC)", "datetime.datetime.now()", "time.time()"])
def test_another_clock_is_found(line):
    planted = plant(product_files(), "booking/planted.py", f"at = {line}")
    assert len(readers_of_own_clocks(planted)) == 1


def test_whoever_sells_asks_for_the_time_of_sale():
    assert sellers_by_another_time(product_files()) == set()


def test_a_seller_with_another_time_is_found():
    line = "def sell(request):\n    return choose_seats(at=clock.now())"
    assert sellers_by_another_time(plant(product_files(), "payments/pages/planted.py", line)) != set()
