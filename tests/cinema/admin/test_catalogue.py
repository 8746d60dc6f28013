"""The admin site of the catalogue: a superuser can open every page, other users none."""

import json
from datetime import timedelta
from io import BytesIO

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone

from bench.support.factories import make_movie, make_plan, make_screen, make_showtime, make_user, new_visitor
from booking.bookings import begin_checkout, confirm_booking
from booking.locks import lock_seats
from booking.models import Booking
from cinema.models import Cinema, Movie, Screen, SeatingPlan, Showtime
from tests.cinema.plans.plan_files import plain_plan

pytestmark = pytest.mark.django_db
OURS = sorted(
    (model for model in admin.site._registry if model._meta.app_label in ("cinema", "booking", "payments")),
    key=lambda model: model._meta.label,
)


@pytest.fixture
def manager(client):
    client.force_login(get_user_model().objects.create_superuser("boss@example.com", "boss@example.com", "x"))
    return client


def page_of(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def sold_showtime(screen=None):
    now, visitor = timezone.now(), new_visitor()
    showtime = make_showtime(screen=screen)
    lock_seats(showtime_id=showtime.pk, visitor=visitor, labels=["A1", "A2"], at=now)
    until = now + timedelta(minutes=30)
    booking = begin_checkout(
        showtime_id=showtime.pk, visitor=visitor, email="alice@example.com", payable_until=until, at=now
    )
    confirm_booking(booking_id=booking.pk, demo=True, at=now)
    showtime.refresh_from_db()
    return showtime


def test_the_tested_models_include_those_of_each_app():
    names = {model._meta.label for model in OURS}
    assert {"cinema.Movie", "cinema.Showtime", "cinema.SeatingPlan", "booking.Booking", "payments.Payment"} <= names


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_the_manager_can_open_every_page(manager, model):
    sold_showtime()
    wanted = {"q": "alice"} if admin.site._registry[model].search_fields else {}
    assert manager.get(page_of(model, "changelist")).status_code == 200
    assert manager.get(page_of(model, "changelist"), wanted).status_code == 200
    assert manager.get(page_of(model, "add")).status_code == (403 if is_read_only(model) else 200)
    for row in model.objects.all()[:1]:
        assert manager.get(page_of(model, "change", row.pk)).status_code == 200


def is_read_only(model):
    return model._meta.label in (
        "cinema.SeatingPlan", "booking.Booking", "payments.Payment", "payments.Refund", "payments.StripeWebhookEvent",
        "payments.LedgerEntry", "payments.MoneyAlert",
    )  # fmt: skip


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_other_users_can_open_no_page(client, model):
    pages = [page_of(model, "changelist"), page_of(model, "add"), page_of(model, "change", 1)]
    pages.append(reverse("admin:cinema_screen_import_plan"))
    for page in pages:
        assert client.get(page).status_code == 302
    client.force_login(make_user())
    for page in pages:
        assert client.get(page).status_code == 403, "a customer"
    client.force_login(make_user(staff=True))
    for page in pages:
        assert client.get(page).status_code == 403, "staff without permission"


@pytest.mark.parametrize("model", [Movie, Screen, Showtime, SeatingPlan, Booking], ids=lambda model: model._meta.label)
def test_a_list_needs_the_same_number_of_queries_whatever_its_length(manager, model, django_assert_max_num_queries):
    page = page_of(model, "changelist")
    sold_showtime()
    manager.get(page)
    with django_assert_max_num_queries(30) as few:
        manager.get(page)
    for _ in range(4):
        sold_showtime()
    with django_assert_max_num_queries(len(few)):
        assert manager.get(page).status_code == 200


def test_lists_of_names_are_edited_with_one_name_per_line(manager):
    movie = make_movie("Metropolis")
    movie.cast = ["Brigitte Helm", "Alfred Abel"]
    movie.save()
    page = page_of(Movie, "change", movie.pk)
    form = manager.get(page).context["adminform"].form
    assert form["cast"].value() == "Brigitte Helm\nAlfred Abel"
    facts = {"title": "Metropolis", "slug": "metropolis", "cast": "Brigitte Helm\r\n\r\n Gustav Fröhlich ",
             "spoken_languages": "German", "original_language": "German", "runtime": "90"}  # fmt: skip
    assert manager.post(page, facts).status_code == 302
    movie.refresh_from_db()
    assert (movie.cast, movie.spoken_languages) == (["Brigitte Helm", "Gustav Fröhlich"], ["German"])


def test_the_address_of_a_page_is_refused_as_a_slug(manager):
    answer = manager.post(page_of(Movie, "add"), {"title": "Dashboard", "slug": "admin-dashboard"})
    assert "Take another one" in answer.content.decode()


def test_artwork_is_drawn_for_films_without_a_poster_only(manager):
    bare, mine = make_movie("Bare"), make_movie("Mine")
    Movie.objects.filter(pk=mine.pk).update(poster="posters/mine.svg")
    form = {"action": "draw_artwork", "_selected_action": [bare.pk, mine.pk]}
    answer = manager.post(page_of(Movie, "changelist"), form, follow=True)
    assert "Artwork drawn for 1 film." in answer.content.decode()
    bare.refresh_from_db()
    mine.refresh_from_db()
    assert bare.poster.startswith("/artwork/") and mine.poster == "posters/mine.svg"


def test_the_picture_of_a_plan_has_every_seat(manager):
    page = manager.get(page_of(SeatingPlan, "change", make_screen().plan.pk)).content.decode()
    assert page.count("<rect data-seat-colour=") == 40
    assert page.count('data-seat-colour="plum"') == 10


def test_a_plan_is_imported_on_the_page_or_refused_with_every_bad_row(manager):
    page = reverse("admin:cinema_screen_import_plan")
    broken = plain_plan()
    broken["zones"][0]["rows"][0]["seats"][1]["category"] = "<b>Royal</b>"

    def send(content):
        file = BytesIO(content)
        file.name = "plan.json"
        return manager.post(page, {"cinema": "Odeon", "screen": "1", "file": file}, follow=True).content.decode()

    page_text = send(json.dumps(broken).encode())
    assert "1 bad row" in page_text and "zones[0].rows[0].seats[1]" in page_text and "<b>Royal" not in page_text
    assert "is not UTF-8" in send(b"\xff")
    assert not Screen.objects.exists()
    assert "18 created" in send(json.dumps(plain_plan()).encode())
    assert Screen.objects.get().plan.seats.count() == 18


def showtime_form(movie, screen, day="2030-05-01", clock="19:30", **more):
    return {
        "movie": movie.pk, "screen": screen.pk, "starts_at_0": day, "starts_at_1": clock, "language": "English", **more
    }  # fmt: skip


PRICES = {"price_standard": "12.50", "price_premium": "15"}


def test_a_showtime_is_added_with_a_price_for_each_category(manager):
    movie, screen = make_movie(), make_screen()
    answer = manager.post(page_of(Showtime, "add"), showtime_form(movie, screen))
    assert answer.status_code == 200
    assert set(answer.context["adminform"].form.errors) == set(PRICES), "the form has fields for the prices"
    manager.post(page_of(Showtime, "add"), showtime_form(movie, screen, **PRICES))
    showtime = Showtime.objects.get()
    assert (showtime.plan, showtime.currency, showtime.n_seats) == (screen.plan, "GBP", 0)
    assert showtime.prices == {"standard": 1250, "premium": 1500}
    assert showtime.ends_at - showtime.starts_at == timedelta(minutes=105)
    form = manager.get(page_of(Showtime, "change", showtime.pk)).context["adminform"].form
    assert [form[name].value() for name in PRICES] == ["12.50", "15.00"], "prices are shown as amounts"


def test_prices_default_to_those_of_the_last_showtime_with_the_same_plan(manager):
    movie, screen = make_movie(), make_screen()
    make_showtime(screen=screen, prices={"standard": 700, "premium": 900})
    page = manager.get(page_of(Showtime, "add"), {"screen": screen.pk})
    assert page.context["adminform"].form["price_standard"].value() == "7.00"
    manager.post(page_of(Showtime, "add"), showtime_form(movie, screen))
    assert Showtime.objects.latest("pk").prices == {"standard": 700, "premium": 900}


@pytest.mark.parametrize("price", ["", "free", "0", "12.505", "-3", "1e3", "99999999999"])
def test_an_invalid_price_is_refused(manager, price):
    form = showtime_form(make_movie(), make_screen(), **PRICES | {"price_standard": price})
    answer = manager.post(page_of(Showtime, "add"), form)
    assert set(answer.context["adminform"].form.errors) == {"price_standard"}
    assert not Showtime.objects.exists()


def test_an_overlap_is_refused_with_the_name_of_the_other_film(manager):
    screen, first = make_screen(), make_movie("Metropolis")
    manager.post(page_of(Showtime, "add"), showtime_form(first, screen, **PRICES))
    answer = manager.post(page_of(Showtime, "add"), showtime_form(make_movie(), screen, clock="20:30"))
    assert "Overlaps Metropolis, 2030-05-01 19:30 to 21:15 on Screen 1." in answer.content.decode()
    assert Showtime.objects.count() == 1
    manager.post(page_of(Showtime, "add"), showtime_form(make_movie(), screen, clock="21:15"))
    assert Showtime.objects.count() == 2


def test_a_moved_showtime_ends_later_and_keeps_its_screen_once_on_sale(manager):
    showtime, other = make_showtime(), make_screen()
    form = showtime_form(showtime.movie, other, clock="20:00", **PRICES)
    ends = timezone.localtime(showtime.ends_at)
    form |= {"ends_at_0": f"{ends:%Y-%m-%d}", "ends_at_1": f"{ends:%H:%M:%S}"}
    manager.post(page_of(Showtime, "change", showtime.pk), form)
    moved = Showtime.objects.get()
    assert (moved.screen_id, moved.plan_id) == (showtime.screen_id, showtime.plan_id)
    assert timezone.localtime(moved.starts_at).hour == 20
    assert moved.ends_at > moved.starts_at


def test_a_screen_without_a_plan_and_a_start_in_the_past_are_refused(manager):
    bare = make_screen()
    Screen.objects.filter(pk=bare.pk).update(plan=None)
    answer = manager.post(page_of(Showtime, "add"), showtime_form(make_movie(), bare))
    assert "no seating plan yet" in answer.content.decode()
    answer = manager.post(
        page_of(Showtime, "add"), showtime_form(make_movie(), make_screen(), day="2020-05-01", **PRICES)
    )
    assert "This is in the past" in answer.content.decode()
    assert not Showtime.objects.exists()


def test_prices_and_film_are_fixed_once_seats_are_sold(manager):
    showtime = sold_showtime()
    at = timezone.localtime(showtime.starts_at)
    clock = f"{at:%H:%M:%S}"
    form = showtime_form(make_movie(), showtime.screen, f"{at:%Y-%m-%d}", clock, price_standard="1", format="X")
    manager.post(page_of(Showtime, "change", showtime.pk), form)
    kept = Showtime.objects.get()
    assert (kept.format, kept.prices["standard"], kept.movie_id) == ("X", 1150, showtime.movie_id)


def test_another_screen_requires_the_prices_of_its_plan(manager):
    screen, other = make_screen(), make_screen(make_plan(rows=2))
    other.plan.categories.filter(key="premium").update(key="box")
    movie = make_movie()
    manager.post(page_of(Showtime, "add"), showtime_form(movie, screen, **PRICES))
    showtime = Showtime.objects.get()
    page = page_of(Showtime, "change", showtime.pk)
    answer = manager.post(page, showtime_form(movie, other, **PRICES))
    assert set(answer.context["adminform"].form.errors) == {"price_box"}
    manager.post(page, showtime_form(movie, other, price_standard="9", price_box="20"))
    showtime.refresh_from_db()
    assert (showtime.plan_id, showtime.prices) == (other.plan_id, {"standard": 900, "box": 2000})


@pytest.mark.parametrize("screen", ["999999", ""])
def test_an_unknown_screen_is_an_error_of_the_form(manager, screen):
    form = showtime_form(make_movie(), make_screen()) | {"screen": screen}
    assert manager.post(page_of(Showtime, "add"), form).status_code == 200
    assert manager.get(page_of(Showtime, "add"), {"screen": screen}).status_code == 200


def terms_form(cinema, *tiers, fee="0"):
    form = {"name": cinema.name, "slug": cinema.slug, "city": "", "address": "", "refund_fee": fee}
    form |= {"refund_tiers-TOTAL_FORMS": len(tiers), "refund_tiers-INITIAL_FORMS": 0}
    for i, (minutes, percent) in enumerate(tiers):
        form |= {f"refund_tiers-{i}-minutes_before": minutes, f"refund_tiers-{i}-percent": percent}
    return form


def test_refund_terms_are_edited_on_the_page_of_the_cinema(manager):
    cinema = make_screen().cinema
    page = page_of(Cinema, "change", cinema.pk)
    assert "Refund terms" in manager.get(page).content.decode()
    answer = manager.post(page, terms_form(cinema, (1440, 100), (120, 50), fee="1.50"))
    assert answer.status_code == 302
    cinema.refresh_from_db()
    assert cinema.refund_fee == 150
    assert list(cinema.refund_tiers.values_list("minutes_before", "percent")) == [(1440, 100), (120, 50)]
    assert 'value="1.50"' in manager.get(page).content.decode()


@pytest.mark.parametrize(
    ("tiers", "fee"), [([(60, 0)], "0"), ([(60, 101)], "0"), ([(-1, 50)], "0"), ([(60, 50), (60, 40)], "0"), ([], "-1")]
)
def test_invalid_refund_terms_are_refused(manager, tiers, fee):
    cinema = make_screen().cinema
    answer = manager.post(page_of(Cinema, "change", cinema.pk), terms_form(cinema, *tiers, fee=fee))
    assert answer.status_code == 200 and "errorlist" in answer.content.decode()
    cinema.refresh_from_db()
    assert cinema.refund_fee == 0 and not cinema.refund_tiers.exists()
