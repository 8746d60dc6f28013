"""The figures against plain SQL on weeks of generated sales, over both changes of the clock."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from bench.support.factories import make_showtime
from booking.models import Booking
from payments.dashboard.occupancy import Fill, read_occupancy, read_screens, read_wanted_seats
from payments.dashboard.sales import Scope, read_films, read_funnel, read_recent, read_trend
from payments.ledger_audit import find_differences
from payments.models import Refund, RefundSeat
from tests.payments.dashboard.weeks import LONDON, Weeks

CONFIRMED = (
    "FROM booking_booking b JOIN cinema_showtime s ON s.id = b.showtime_id JOIN cinema_screen c ON c.id = s.screen_id"
)
# Refunds through a gateway, and by hand where there is no payment here; a duplicate payment bought nothing, so its
# refund is not in the sales.
BACK = """
SELECT coalesce(sum(r.amount), 0) FROM payments_refund r JOIN payments_payment p ON p.id = r.payment_id
  JOIN booking_booking b ON b.id = p.booking_id JOIN cinema_showtime s ON s.id = b.showtime_id
  JOIN cinema_screen c ON c.id = s.screen_id WHERE r.status <> 'failed' AND NOT EXISTS (
    SELECT 1 FROM payments_refund d WHERE d.payment_id = p.id AND d.reason = 'duplicate')
"""
BY_HAND = "NOT EXISTS (SELECT 1 FROM payments_payment p WHERE p.booking_id = b.id) AND x.status = 'cancelled'"


def midnight(day):
    return datetime(day.year, day.month, day.day, tzinfo=LONDON).astimezone(UTC)


class Sql:
    """Reads the tables. Money comes from the prices of seats, occupancy from the rows of seats: not from the totals and
    counters that the figures read.
    """

    def __init__(self, scope):
        self.also, self.args = "", []
        if scope.movie_id:
            self.also, self.args = self.also + " AND s.movie_id = %s", [*self.args, scope.movie_id]
        if scope.cinema_id:
            self.also, self.args = self.also + " AND c.cinema_id = %s", [*self.args, scope.cinema_id]
        self.real = "" if scope.count_demo else " AND NOT b.demo"

    def rows(self, select, column, since, until, money=True):
        where = f"{column} >= %s AND {column} < %s{self.also}{self.real if money else ''}"
        joint = " AND " if " WHERE " in select else " WHERE "
        head, *tail = select.split(" GROUP BY ")
        group = f" GROUP BY {tail[0]}" if tail else ""
        instants = [connection.ops.adapt_datetimefield_value(at) for at in (since, until)]
        with connection.cursor() as cursor:
            cursor.execute(head + joint + where + group, [*instants, *self.args])
            return cursor.fetchall()

    def one(self, select, column, since, until):
        return int(self.rows(select, column, since, until)[0][0] or 0)

    def sales(self, since, until, currency="GBP"):
        """Bookings, tickets, taken and given back in one currency."""
        column, of = "b.confirmed_at", f"b.currency = '{currency}'"
        places = CONFIRMED.replace(
            "booking_booking b", "booking_bookingseat x JOIN booking_booking b ON b.id = x.booking_id"
        )
        tickets = places.replace("booking_bookingseat", "booking_ticket")
        bookings = self.one(f"SELECT count(*) {CONFIRMED} WHERE b.status = 'confirmed' AND {of}", column, since, until)
        n = self.one(f"SELECT count(*) {tickets} WHERE x.status <> 'cancelled' AND {of}", column, since, until)
        taken = self.one(f"SELECT sum(x.price) {places} WHERE {of}", column, since, until)
        by_hand = self.one(f"SELECT sum(x.price) {tickets} WHERE {BY_HAND} AND {of}", column, since, until)
        return bookings, n, taken, self.one(f"{BACK} AND {of}", column, since, until) + by_hand


def as_tuple(sales):
    return sales.bookings, sales.tickets, sales.taken, sales.refunded


def check_trend(scope, sql):
    trend = read_trend(scope)
    assert len(trend.days) == len(trend.days_before) == scope.n_days
    for since, takings in ((scope.since, trend.days), (scope.before.since, trend.days_before)):
        for i, found in enumerate(takings):
            day = since + timedelta(days=i)
            for currency in ("GBP", "EUR"):
                wanted = sql.sales(midnight(day), midnight(day + timedelta(days=1)), currency)
                assert as_tuple(found.of(currency)) == wanted, (day, currency)
    assert as_tuple(trend.total.of("GBP")) == sql.sales(midnight(scope.since), midnight(scope.until + timedelta(1)))
    wall = scope.at.astimezone(LONDON).replace(tzinfo=None)
    cut = midnight(scope.since)
    if wall.date() <= scope.until:
        cut = (wall - timedelta(days=scope.n_days)).replace(tzinfo=LONDON).astimezone(UTC)
    assert as_tuple(trend.compared.of("GBP")) == sql.sales(midnight(scope.before.since), cut)
    return trend


def check_films(scope, sql):
    ends = midnight(scope.until + timedelta(days=1))
    joined = CONFIRMED.replace("booking_booking b", "booking_ticket x JOIN booking_booking b ON b.id = x.booking_id")
    tickets = f"SELECT s.movie_id, count(*) {joined} WHERE x.status <> 'cancelled' GROUP BY s.movie_id"
    wanted = dict(sql.rows(tickets, "b.confirmed_at", midnight(scope.since), ends))
    films = read_films(scope)
    assert {film.movie_id: film.takings.tickets for film in films} == wanted
    assert [film.takings.tickets for film in films] == sorted(wanted.values(), reverse=True)
    for film in films:
        of_film = Sql(Scope(**{**scope.__dict__, "movie_id": film.movie_id}))
        assert as_tuple(film.takings.of("GBP")) == of_film.sales(midnight(scope.since), ends), film.title


def check_funnel(scope, sql):
    now, _ = read_funnel(scope)
    ends = midnight(scope.until + timedelta(days=1))

    def count(where):
        return sql.one(f"SELECT count(*) {CONFIRMED} WHERE {where}", "b.created_at", midnight(scope.since), ends)

    used = "EXISTS (SELECT 1 FROM booking_ticket t WHERE t.booking_id = b.id AND t.status = 'used')"
    unpaid = "b.checkout_at IS NOT NULL AND b.confirmed_at IS NULL AND b.status IN ('released', 'expired')"
    assert now.begun == count("1 = 1")
    assert now.went_to_payment == count("b.checkout_at IS NOT NULL")
    assert now.paid == count("EXISTS (SELECT 1 FROM booking_ticket t WHERE t.booking_id = b.id)")
    assert now.admitted == count(used)
    assert now.abandoned == count(unpaid)
    assert now.begun >= now.went_to_payment >= now.paid + now.abandoned


def check_occupancy(scope, sql):
    seats = """SELECT s.starts_at, sum(CASE WHEN x.status = 'booked' THEN 1 ELSE 0 END), count(*)
      FROM booking_showtimeseat x JOIN cinema_showtime s ON s.id = x.showtime_id
      JOIN cinema_screen c ON c.id = s.screen_id
      WHERE x.status <> 'blocked' AND s.cancelled_at IS NULL GROUP BY s.id, s.starts_at"""
    cells, total, before = defaultdict(Fill), Fill(), Fill()
    found = sql.rows(seats, "s.starts_at", midnight(scope.before.since), midnight(scope.until + timedelta(1)), False)
    for starts_at, sold, on_sale in found:
        if isinstance(starts_at, str):
            starts_at = datetime.fromisoformat(starts_at)
        starts_at = starts_at.replace(tzinfo=starts_at.tzinfo or UTC)
        fill = Fill(int(sold), on_sale, 1)
        if starts_at >= midnight(scope.since):
            local = starts_at.astimezone(LONDON)
            cells[local.isoweekday(), local.hour - local.hour % 2] += fill
            total += fill
        else:
            before += fill
    occupancy = read_occupancy(scope)
    assert (occupancy.total, occupancy.before, dict(occupancy.cells)) == (total, before, dict(cells))


def check_seats_and_bookings(scope, sql):
    ends = midnight(scope.until + timedelta(days=1))
    joined = CONFIRMED.replace("booking_booking b", "booking_ticket x JOIN booking_booking b ON b.id = x.booking_id")
    labels = (
        f"SELECT s.screen_id, x.label, count(*) {joined} WHERE x.status <> 'cancelled' GROUP BY s.screen_id, x.label"
    )
    wanted = defaultdict(Counter)
    for screen_id, _, n in sql.rows(labels, "b.confirmed_at", midnight(scope.since), ends):
        wanted[screen_id][n] += 1
    found = {screen_id: Counter(seats.tickets.values()) for screen_id, seats in read_wanted_seats(scope).items()}
    assert found == wanted
    latest = f"SELECT b.reference, b.confirmed_at {CONFIRMED}"
    references = sql.rows(latest, "b.confirmed_at", midnight(scope.since), ends)
    newest = [reference for reference, _ in sorted(references, key=lambda row: row[1], reverse=True)]
    assert {booking.reference for booking in read_recent(scope, len(newest))} == set(newest)


@pytest.mark.parametrize("first", [date(2026, 10, 13), date(2027, 3, 16)], ids=["autumn", "spring"])
def test_every_figure_equals_plain_sql_over_weeks_with_a_change_of_the_clock(transactional_db, settings, first):
    settings.RATE_LIMITS = False
    weeks = Weeks(first, days=16, visits=46, seed=first.toordinal())
    at, last = weeks.ends_at, first + timedelta(days=15)
    base = {"since": first + timedelta(days=8), "until": last, "at": at, "zone": LONDON}
    scopes = [
        Scope(**base),
        Scope(**{**base, "until": last - timedelta(days=1)}),
        Scope(**base, movie_id=weeks.movies[1].pk),
        Scope(**base, cinema_id=weeks.screens[0].cinema_id, count_demo=False),
    ]
    for scope in scopes:
        sql = Sql(scope)
        for check in (check_trend, check_films, check_funnel, check_occupancy, check_seats_and_bookings):
            check(scope, sql)
    whole = check_trend(Scope(**{**base, "since": first}), Sql(scopes[0]))
    assert whole.total.of("GBP").refunded > 0 and whole.total.tickets > 40 and whole.demo > 0
    kept = RefundSeat.objects.filter(kept__gt=0).aggregate(n=Sum("kept"))["n"]
    failed = Refund.objects.filter(status="failed", reason="buyer").aggregate(n=Sum("amount"))["n"]
    assert kept and failed, "there are kept parts and failed refunds"
    assert find_differences(recheck_after=0) == []


@pytest.mark.django_db
def test_without_sales_the_figures_are_zero_and_shares_unknown():
    at = timezone.now()
    scope = Scope(since=date(2026, 11, 1), until=date(2026, 11, 7), at=at, zone=LONDON)
    trend = read_trend(scope)
    assert [day.tickets for day in trend.days] == [0] * 7 == [day.bookings for day in trend.days_before]
    assert trend.total.of("GBP").revenue == 0
    assert read_funnel(scope)[0].abandoned_share is None
    assert read_occupancy(scope).total.share is None
    assert read_occupancy(scope).bands == []
    assert (read_films(scope), read_recent(scope), read_wanted_seats(scope), list(read_screens(scope))) == (
        [],
        [],
        {},
        [],
    )


def test_a_day_of_23_and_one_of_25_hours_are_whole_days():
    for day, hours in ((date(2027, 3, 28), 23), (date(2026, 10, 25), 25), (date(2026, 11, 1), 24)):
        scope = Scope(since=day, until=day, at=datetime(2027, 6, 1, tzinfo=UTC), zone=LONDON)
        assert scope.ends_at.astimezone(UTC) - scope.begins_at.astimezone(UTC) == timedelta(hours=hours)


def test_an_unfinished_period_is_compared_with_as_much_of_the_one_before():
    at = datetime(2026, 11, 23, 9, 15, tzinfo=UTC)
    scope = Scope(since=date(2026, 11, 17), until=date(2026, 11, 23), at=at, zone=LONDON)
    assert scope.compared_until == datetime(2026, 11, 16, 9, 15, tzinfo=LONDON)
    finished = Scope(since=date(2026, 11, 10), until=date(2026, 11, 16), at=at, zone=LONDON)
    assert finished.compared_until == datetime(2026, 11, 10, tzinfo=LONDON)


@pytest.mark.django_db
def test_days_are_those_of_the_configured_time_zone():
    at = datetime(2026, 11, 10, 12, tzinfo=UTC)
    showtime = make_showtime(at=at)
    late = datetime(2026, 11, 9, 20, 0, tzinfo=UTC)  # already the tenth in Kolkata
    Booking.objects.create(
        showtime=showtime,
        visitor="00000000-0000-4000-8000-000000000001",
        status="confirmed",
        currency="GBP",
        total=500,
        created_at=late,
        confirmed_at=late,
    )
    for zone, day in ((LONDON, 9), (ZoneInfo("Asia/Kolkata"), 10)):
        scope = Scope(since=date(2026, 11, 9), until=date(2026, 11, 10), at=at, zone=zone)
        found = dict(zip(scope.days, read_trend(scope).days, strict=True))
        assert {when.day: takings.of("GBP").revenue for when, takings in found.items() if takings.bookings} == {
            day: 500
        }
