"""Every page of the admin: what a form shows can be saved unchanged and then changes nothing; no page is a 500."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from unittest.mock import patch

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from bench.support.factories import make_movie, make_screen, make_showtime
from booking.locks import lock_seats
from booking.models import ShowtimeSeat
from booking.visitors import account_visitor
from cinema.models import Cinema, Movie, RefundTier, Showtime
from payments.models import StripeWebhookEvent
from tests.browser.site.money_states import Customer, create_money_states
from tests.cinema.admin.html_forms import FormReader

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 10, 7, 0, 0, 123456, tzinfo=UTC)  # a Wednesday
SAMPLE = 12  # rows of a long table that are opened, besides the odd ones
# The languages write dates and decimals differently, before any database has them; the clock of each zone is put back.
PLACES = [
    pytest.param(("en-gb", "Europe/London"), id="en-gb"),
    pytest.param(("de", "Europe/Berlin"), id="de", marks=pytest.mark.sqlite_only),
    pytest.param(("en-us", "America/New_York"), id="en-us", marks=pytest.mark.sqlite_only),
]
# Written by use cases or by allauth alone, and shown: why no form of theirs can be saved.
READ_ONLY = {
    "cinema.SeatingPlan": "immutable: another drawing is another plan",
    "booking.Booking": "changed by use cases",
    "payments.Payment": "changed by settlement",
    "payments.Refund": "changed by refunds",
    "payments.StripeWebhookEvent": "what the gateway sent",
    "payments.LedgerEntry": "append-only",
    "payments.MoneyAlert": "closed on the page of money",
    "mfa.Authenticator": "secrets; removed by their owner, or by remove_second_factor",
}
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
EDITABLE = [model for model in MODELS if model._meta.label not in READ_ONLY]


@pytest.fixture(scope="module")
def demo(django_db_setup, django_db_blocker):
    """The demo, money in every state, and rows at the edges. Loaded once; each test runs in a savepoint above it."""
    from django.test import TestCase

    with django_db_blocker.unblock(), time_machine.travel(NOW, tick=False):
        atomics = TestCase._enter_atomics()
        limits, django_settings.RATE_LIMITS = django_settings.RATE_LIMITS, False
        try:
            call_command("load_demo", history=1, verbosity=0, stdout=StringIO())
            add_odd_rows()
            add_money()
        finally:
            django_settings.RATE_LIMITS = limits
        yield
        TestCase._rollback_atomics(atomics)


def add_odd_rows():
    """Rows that a form could hold against the person who only looks at them."""
    boss = get_user_model().objects.create_superuser("boss@example.com", "boss@example.com", "x", last_login=NOW)
    EmailAddress.objects.create(user=boss, email=boss.email, primary=True, verified=True)
    Authenticator.objects.create(user=boss, type="totp", data={"secret": "never shown"})
    Group.objects.create(name="Ushers").permissions.set(Permission.objects.all()[:3])
    cinema = Cinema.objects.create(name="Free of fees", slug="free-of-fees")
    RefundTier.objects.create(cinema=cinema, minutes_before=0, percent=100)
    Cinema.objects.create(name="Dear", slug="dear", refund_fee=1)
    Movie.objects.create(title="Only a title", slug="only-a-title")
    plain = make_screen()
    for night in (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)):
        for later in (0, 60):  # the same hour of the clock twice, in London and Berlin, and in New York
            at = night + timedelta(minutes=later)
            Showtime.objects.create(
                movie=make_movie(), screen=make_screen(plain.plan), plan=plain.plan, starts_at=at,
                ends_at=at + timedelta(minutes=30), currency="GBP", prices={"standard": 1, "premium": 20_000_000},
                sales_open_at=NOW + timedelta(microseconds=1),
            )  # fmt: skip
    make_showtime(sales_close_at=NOW + timedelta(seconds=7, microseconds=7))
    make_showtime(cancelled_at=NOW)
    make_showtime(starts_in=timedelta(hours=-1))
    StripeWebhookEvent.objects.create(event_id="evt_1", kind="checkout.session.completed", received_at=NOW)


def add_money():
    """Payments, refunds, alerts. The gateway here is the demo's: it may be called inside of a transaction."""
    user = get_user_model().objects.create_user("mira", "mira@example.com", "a long password 1")

    def lock(showtime, n=2):
        rows = ShowtimeSeat.objects.filter(showtime=showtime, status="available", seat__kind="seat")
        labels = [row.seat.label for row in rows.select_related("seat").order_by("index")[:n]]
        return lock_seats(showtime_id=showtime.pk, visitor=account_visitor(user), labels=labels, at=NOW).booking

    later = Showtime.objects.filter(starts_at__gt=NOW + timedelta(hours=3), screen__cinema__name__startswith="Lantern")
    large = [each for each in later.order_by("-starts_at") if each.sales(NOW) == "open" and each.n_available > 40]
    guard = "refuse_inside_transaction"
    with patch(f"payments.gateways.interface.{guard}"), patch(f"payments.gateways.factory.{guard}"):
        create_money_states(large, Customer(lock, account_visitor(user), user.email, NOW))


@pytest.fixture(params=PLACES)
def place(request, settings):
    """The Accept-Language of this place; its zone is set."""
    settings.LANGUAGE_CODE, settings.TIME_ZONE = request.param
    return request.param[0]


@pytest.fixture
def boss(demo):
    with time_machine.travel(NOW, tick=False):
        yield log_in(Client())


@pytest.fixture
def boss_somewhere(demo, place):
    with time_machine.travel(NOW, tick=False):
        yield log_in(Client(HTTP_ACCEPT_LANGUAGE=place))


def log_in(client):
    client.force_login(get_user_model().objects.get(username="boss@example.com"))
    return client


def page_of(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def rows_of(model):
    """All rows of a short table; of a long one the first and the last, which were added last."""
    keys = list(model._default_manager.order_by("pk").values_list("pk", flat=True))
    return keys if len(keys) <= 2 * SAMPLE else keys[:SAMPLE] + keys[-SAMPLE:]


def read_form(client, model, path):
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    reader = FormReader(answer.content.decode(), f"{model._meta.model_name}_form")
    assert reader.found, path
    return reader.fields


def errors_of(answer):
    if answer.status_code == 302 or not answer.context:
        return {}
    found = dict(answer.context["adminform"].form.errors.as_data())
    for inline in answer.context["inline_admin_formsets"]:
        for form in inline.formset.forms:
            found |= form.errors.as_data()
    return found


def everything():
    """{model: its rows} of the whole database, but for sessions and the log of the admin."""
    return {
        model._meta.label: {row["pk"]: row for row in model._base_manager.values("pk", *columns(model))}
        for model in apps.get_models(include_auto_created=True)
        if model not in (LogEntry, Session) and model._meta.managed
    }


def columns(model):
    return [field.attname for field in model._meta.concrete_fields]


def difference(before, after):
    return {
        label: [(row, after[label].get(key)) for key, row in rows.items() if after[label].get(key) != row]
        for label, rows in before.items()
        if rows != after[label]
    }


def test_the_rows_at_the_edges_are_there(demo):
    assert {model._meta.label for model in EDITABLE} >= {"auth.User", "auth.Group", "account.EmailAddress"}
    assert set(READ_ONLY) <= {model._meta.label for model in MODELS}
    assert [model._meta.label for model in MODELS if not model._default_manager.exists()] == []


def test_every_form_saves_what_it_shows_and_changes_nothing(boss_somewhere):
    before, refused, saved = everything(), {}, 0
    for model in EDITABLE:
        for key in rows_of(model):
            path = page_of(model, "change", key)
            answer = boss_somewhere.post(path, read_form(boss_somewhere, model, path))
            if answer.status_code != 302:
                refused[path] = errors_of(answer)
            elif (said := LogEntry.objects.latest("pk").change_message) != "[]":
                refused[path] = f"it says that something was changed: {said}"
            saved += answer.status_code == 302
    assert refused == {}
    assert difference(before, everything()) == {}
    assert saved > 60


def test_every_empty_form_asks_for_what_is_required_and_for_nothing_else(boss_somewhere):
    for model in EDITABLE:
        before, path = list(model._base_manager.order_by("pk").values()), page_of(model, "add")
        answer = boss_somewhere.post(path, read_form(boss_somewhere, model, path))
        codes = {error.code for errors in errors_of(answer).values() for error in errors}
        assert codes <= {"required"} and codes, (path, errors_of(answer))
        assert list(model._base_manager.order_by("pk").values()) == before


@pytest.mark.parametrize("model", list(READ_ONLY))
def test_a_read_only_page_opens_and_refuses_a_change(boss, model):
    model = apps.get_model(model)
    assert boss.get(page_of(model, "add")).status_code == 403
    for key in rows_of(model)[:SAMPLE]:
        path = page_of(model, "change", key)
        page = boss.get(path)
        assert page.status_code == 200 and "never shown" not in page.content.decode()
        assert boss.post(path, {}).status_code == 403
        assert boss.get(page_of(model, "delete", key)).status_code == 403


def test_every_list_opens_searched_filtered_sorted_and_by_date(boss):
    for model in MODELS:
        path, site = page_of(model, "changelist"), admin.site._registry[model]
        changelist = boss.get(path).context["cl"]
        queries = [link for spec in changelist.filter_specs for link in links_of(spec, changelist)]
        if site.search_fields:
            queries += ["?q=lantern", "?q=%22", "?q=%00", "?q=" + "9" * 40]
        queries += [f"?o={n}" for n in range(1, len(site.list_display) + 1)] + ["?p=1", "?e=1"]
        if site.date_hierarchy:
            queries += [f"?{site.date_hierarchy}__year=2026&{site.date_hierarchy}__month=6"]
        for query in queries:
            answer = boss.get(path + query)
            assert answer.status_code in (200, 302), (path + query, answer.status_code)


def links_of(spec, changelist):
    return [choice["query_string"] for choice in spec.choices(changelist)][:6]


def test_history_and_the_question_before_a_deletion_open(boss):
    for model in MODELS:
        for key in rows_of(model)[:3]:
            assert boss.get(page_of(model, "history", key)).status_code == 200
            asked = boss.get(page_of(model, "delete", key))
            is_refused = model._meta.label in READ_ONLY or (model is Showtime and has_seats(key))
            assert asked.status_code == (403 if is_refused else 200), (model, key)


def has_seats(key):
    return Showtime.objects.get(pk=key).n_seats > 0


def test_every_action_runs_on_one_row_on_several_and_on_none(boss):
    for model in MODELS:
        path = page_of(model, "changelist")
        shown = boss.get(path).context["cl"]
        keys = [str(row.pk) for row in shown.result_list]
        for action in shown.model_admin.get_actions(boss.get(path).wsgi_request):
            for chosen in (keys[-1:], keys[:3], []):
                answer = boss.post(path, {"action": action, "_selected_action": chosen})
                assert answer.status_code in (200, 302), (path, action)


def test_a_new_superuser_can_open_the_index_and_every_app(boss):
    assert boss.get(reverse("admin:index")).status_code == 200
    for label in {model._meta.app_label for model in MODELS}:
        assert boss.get(reverse("admin:app_list", args=[label])).status_code == 200
