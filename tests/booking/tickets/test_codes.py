"""Ticket codes: their form, what they open, and that an older code never opens another's ticket."""

import re
from datetime import timedelta

import pytest
import segno
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking import bookings
from booking.locks import lock_seats
from booking.models import Ticket, new_ticket_secret
from booking.tickets.codes import canonical, find_ticket, mark_of_tickets, read_code, ticket_code
from tests.restoring import backup

pytestmark = pytest.mark.django_db
KEY = "k" * 10 + "abcdefghij" * 5
OLD = "T260-7N3K-5JHD-53X6-RT"  # what the release without secrets printed for ticket 260, by this key


def buy(showtime, *labels):
    """The tickets of a new buyer."""
    now, visitor = timezone.now(), new_visitor()
    lock_seats(showtime_id=showtime.pk, visitor=visitor, labels=labels, at=now)
    with transaction.atomic():
        until = now + timedelta(minutes=41)
        own = bookings.begin_checkout(
            showtime_id=showtime.pk, visitor=visitor, email="a@example.com", payable_until=until, at=now
        )
    bookings.confirm_booking(booking_id=own.pk, demo=False, at=now)
    return list(own.tickets.all())


@pytest.fixture
def showtime():
    return make_showtime()


def test_a_code_is_five_groups_of_four_and_its_qr_code_is_as_large_as_before(showtime):
    [ticket] = buy(showtime, "A1")
    code = ticket_code(ticket)
    assert re.fullmatch(r"T[BCDFGHJKMNPQRSTVWXZ][2-9B-Z]{2}(-[2-9B-Z]{4}){4}", code)
    assert segno.make(code, error="m", micro=False).version == segno.make(OLD, error="m", micro=False).version


def test_a_code_is_read_in_any_spelling(showtime):
    for ticket in buy(showtime, "A1", "D2"):
        code = ticket_code(ticket)
        for typed in (code, f" {code.lower()}\n", code.replace("-", ""), code.replace("-", " ")):
            assert find_ticket(typed) == ticket
            assert canonical(typed) == code.replace("-", "")


def test_a_forged_code_is_refused(showtime):
    [first] = buy(showtime, "A1")
    code = ticket_code(first)
    last = "B" if code[-1] != "B" else "C"
    other = "B" if code[1] != "B" else "C"
    for forged in (
        code[:-1] + last,
        code[:-1],
        code + "B",
        code[0] + other + code[2:],
        f"T{first.secret}",
        "",
        "T" * 5000,
        "T٣-BBBB",
        code.replace("-", "‐"),
        f"\N{LATIN SMALL LETTER LONG S}{code}",
    ):
        with pytest.raises(ValueError, match="not one of our tickets"):
            read_code(forged)


def test_a_sealed_code_of_no_ticket_is_refused(showtime):
    [ticket] = buy(showtime, "A1")
    code = ticket_code(ticket)
    Ticket.objects.filter(pk=ticket.pk).update(secret=new_ticket_secret())
    with pytest.raises(ValueError, match="not one of our tickets"):
        find_ticket(code)


def test_the_code_of_a_ticket_that_an_earlier_release_issued_stays_as_it_was_printed(showtime, settings):
    settings.SECRET_KEY = KEY
    [ticket] = buy(showtime, "A1")
    Ticket.objects.filter(pk=ticket.pk).update(id=260, secret=None)
    old = Ticket.objects.get(pk=260)
    assert ticket_code(old) == OLD
    assert find_ticket(OLD) == find_ticket("t2607n3k5jhd53x6rt") == old


def test_a_code_of_a_primary_key_opens_no_ticket_that_has_a_secret(showtime, settings):
    settings.SECRET_KEY = KEY
    [ticket] = buy(showtime, "A1")
    Ticket.objects.filter(pk=ticket.pk).update(id=260)
    with pytest.raises(ValueError, match="not one of our tickets"):
        find_ticket(OLD)


def test_every_new_ticket_has_a_secret_of_its_own(showtime):
    tickets = buy(showtime, "A1", "A2", "A3") + buy(showtime, "B1")
    assert len({ticket.secret for ticket in tickets}) == 4 and all(len(ticket.secret) == 11 for ticket in tickets)
    with pytest.raises(IntegrityError), transaction.atomic():
        Ticket.objects.filter(pk=tickets[0].pk).update(secret=tickets[1].secret)


def test_the_demo_has_no_ticket_without_a_secret(db):
    from django.core.management import call_command

    call_command("load_demo", verbosity=0)
    assert Ticket.objects.exists() and not Ticket.objects.filter(secret=None).exists()


def test_a_mark_is_of_the_tickets_and_not_of_their_keys(showtime):
    one, two = buy(showtime, "A1", "A2")
    assert mark_of_tickets([one, two]) == mark_of_tickets([two, one]) != mark_of_tickets([one])
    before, one.secret = mark_of_tickets([one]), new_ticket_secret()
    assert mark_of_tickets([one]) != before and one.secret not in mark_of_tickets([one])


def test_the_number_of_the_key_is_used_again_and_the_code_is_not(showtime):
    """Rows put back by hand: what a restored backup leaves."""
    [lost] = buy(showtime, "A1")
    code, booking = ticket_code(lost), lost.booking
    Ticket.objects.all().delete()
    Ticket.objects.create(
        pk=lost.pk, booking=booking, seat_id=lost.seat_id, label="A1", category="standard", price=lost.price
    )
    with pytest.raises(ValueError, match="not one of our tickets"):
        find_ticket(code)


@pytest.mark.sqlite_only
@pytest.mark.django_db(transaction=True)
def test_after_a_restore_an_older_ticket_does_not_let_its_owner_in(tmp_path):
    showtime = make_showtime()
    with backup(tmp_path) as restore:
        [alice] = buy(showtime, "A1")
        code = ticket_code(alice)
        assert find_ticket(code) == alice
        restore()
    [bob] = buy(showtime, "A1")
    assert bob.pk == alice.pk, "the backup gives the number out again"
    with pytest.raises(ValueError, match="not one of our tickets"):
        find_ticket(code)
    assert find_ticket(ticket_code(bob)) == bob


@pytest.mark.django_db(transaction=True)
def test_the_migration_leaves_the_tickets_of_before_without_a_secret(showtime, settings):
    from django.db.migrations.executor import MigrationExecutor

    settings.SECRET_KEY = KEY
    [ticket] = buy(showtime, "A1")
    Ticket.objects.filter(pk=ticket.pk).update(id=260)
    leaf = MigrationExecutor(connection).loader.graph.leaf_nodes("booking")
    try:
        MigrationExecutor(connection).migrate([("booking", "0004_fewer_indexes_and_checks")])
    finally:
        MigrationExecutor(connection).migrate(leaf)
    assert apps.get_model("booking.Ticket").objects.get(pk=260).secret is None
    assert find_ticket(OLD).pk == 260
    [new] = buy(showtime, "A2")
    assert new.secret
