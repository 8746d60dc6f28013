"""Strangers and buyers against a real cluster, briefly; `make soak ONLY=hoarding` is the long form."""

from tests.report import report
from tests.soak.hoarding import measure


def test_no_stranger_gets_more_than_the_limits_allow_and_a_foyer_still_buys():
    rows = {row[0]: row for row in measure(3, n_phones=30)}
    assert len(rows) == 8
    for name in ("one address", "one address that opens payments", "one /64"):
        assert int(rows[name][3]) >= 20, rows[name]  # it did attack
    assert int(rows["a foyer of 30"][-1]) > 0
    report("hoarding", "; ".join(f"{name}: {row[3]} of {row[1]} seats" for name, row in rows.items()))
