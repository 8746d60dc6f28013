"""What is remembered of a page has everything that it shows as its key."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from django.template import Engine
from django.utils import translation

from bench.support.factories import make_movie, make_screen, make_showtime
from cinema.models import Showtime
from cinema.web import parts
from cinema.web.parts import Remembered, render_part
from cinema.whats_on.listing_html import _draw_card, draw_card
from cinema.whats_on.listings import ShowtimeCard

STRIP = "cinema/_strip.html"


@dataclass(frozen=True)
class Plain:
    date: date
    query: str = "?q"
    is_chosen: bool = False
    is_today: bool = False


@dataclass
class Mutable:
    date: date


def strip(*days, home="/"):
    return render_part(STRIP, days=days, day_chosen=None, home=home, fragment="")


def test_equal_values_are_rendered_once_and_others_anew(monkeypatch):
    parts._rendered.cache_clear()
    day = Plain(date(2026, 11, 30))
    pages = [strip(day), strip(Plain(date(2026, 11, 30))), strip(day, home="/other/"), strip(day, day)]
    assert (pages[0] == pages[1], len(set(pages))) == (True, 3)
    assert parts._rendered.cache_info().misses == 3
    assert "30" in pages[0] and 'href="/other/?q"' in pages[2]


def test_a_part_is_rendered_for_the_active_language():
    day = Plain(date(2026, 11, 30))
    with translation.override("de"):
        german = strip(day)
    with translation.override("en-gb"):
        assert strip(day) != german


def test_a_template_that_has_changed_is_rendered_anew():
    before = strip(Plain(date(2026, 11, 30)))
    for loader in Engine.get_default().template_loaders:
        loader.reset()
    misses = parts._rendered.cache_info().misses
    assert strip(Plain(date(2026, 11, 30))) == before
    assert parts._rendered.cache_info().misses == misses + 1


@pytest.mark.parametrize(
    "value", [Mutable(date(2026, 11, 30)), [1], ("a", [1]), Showtime(pk=1), {"a": 1}], ids=lambda v: type(v).__name__
)
def test_what_may_change_and_stay_equal_is_refused(value):
    with pytest.raises(TypeError, match="may change"):
        render_part(STRIP, days=(), day_chosen=value, home="/", fragment="")


def test_markup_from_python_is_forgotten_when_there_is_too_much(monkeypatch):
    monkeypatch.setattr(parts, "MOST", 2)
    memory, made = Remembered(), []
    for key in (1, 1, 2, 3, 1):
        memory.get(key, lambda key=key: made.append(key) or parts.SafeString(key))
    assert made == [1, 2, 3, 1]


@pytest.mark.django_db
def test_whatever_changes_the_card_of_a_showtime_changes_its_key():
    """Each field of the row in turn: the remembered card is the one that is drawn from the changed row."""
    showtime = make_showtime()
    showtime.sales_open_at = showtime.starts_at - timedelta(hours=2)
    others = {
        "starts_at": showtime.starts_at + timedelta(hours=1),
        "sales_open_at": showtime.starts_at - timedelta(hours=1),
        "format": "IMAX & more",
        "currency": "EUR",
        "prices": {"standard": 5},
        "screen": make_screen(),
        "movie": make_movie(),
        "n_available": 3,
        "n_locked": 7,
        "n_booked": 1,
        "n_blocked": 2,
        "language": "German",
        "subtitles": "English",
    }
    changed = set()
    for name, value in others.items():
        for state in ("open", "upcoming", "sold-out", "closed", "cancelled"):
            for with_price in (False, True):
                drawn = draw_card(ShowtimeCard(showtime, state), with_day=True, with_price=with_price)
                before = getattr(showtime, name)
                if name == "screen":
                    value.name = "Another"
                setattr(showtime, name, value)
                again = draw_card(ShowtimeCard(showtime, state), with_day=True, with_price=with_price)
                fresh = _draw_card(ShowtimeCard(showtime, state), None, with_day=True, with_price=with_price)
                assert again == fresh, name
                changed |= {name} if again != drawn else set()
                setattr(showtime, name, before)
    assert changed >= {
        "starts_at",
        "sales_open_at",
        "format",
        "currency",
        "prices",
        "screen",
        "n_available",
        "n_booked",
    }
