"""The filters of the dashboard: days, cinema, film. A value that cannot be read becomes the default and a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from cinema.models import Cinema, Movie
from payments.dashboard.sales import Scope

RANGES = {"7": 7, "28": 28, "year": 364}  # days; 52 weeks, so that a day is compared with the same day of the week
DEFAULT = "28"
LONGEST = 731  # days
SLUG = re.compile(r"[-\w]{1,200}", re.ASCII)
ISO_DATE = re.compile(r"(?:19|2\d)\d\d-\d\d-\d\d", re.ASCII)


class _BadDates(ValueError):
    """The dates cannot be read; its message is a sentence for the page."""


@dataclass(frozen=True)
class Filters:
    """What the query asks for.

    `range` is a key of RANGES, or "" for a first and last day of the user's choice. `complaint` says in sentences which
    values were not understood; "" when all were.
    """

    scope: Scope
    range: str
    cinema: Cinema | None
    movie: Movie | None
    complaint: str

    def link(self, **changes: str) -> str:
        """The query string of the same filters with these changes; an empty value removes its name."""
        days = {"range": self.range} if self.range else {"from": str(self.scope.since), "to": str(self.scope.until)}
        slugs = {"cinema": self.cinema.slug if self.cinema else "", "film": self.movie.slug if self.movie else ""}
        if "range" in changes:
            days = {}
        return "?" + urlencode({name: value for name, value in {**days, **slugs, **changes}.items() if value})


def read_filters(query: Mapping[str, str], at: datetime) -> Filters:
    """The filters in a query string. Never raises: a value that is not understood becomes the default and a sentence.

    Args:
        at: the instant of the request; the last day by default is its local day.
    """
    complaints = []
    cinema = Cinema.objects.filter(slug=_slug(query.get("cinema", ""))).first()
    movie = Movie.objects.filter(slug=_slug(query.get("film", ""))).first()
    if query.get("cinema") and cinema is None:
        complaints.append(_("There is no such cinema, so all are counted."))
    if query.get("film") and movie is None:
        complaints.append(_("There is no such film, so all are counted."))
    today = timezone.localdate(at)
    name = query.get("range", "")
    try:
        since, until, name = _read_days(query.get("from", ""), query.get("to", ""), name, today)
    except _BadDates as error:
        complaints.append(f"{error} {_('These are the last 28 days.')}")
        since, until, name = *_last(RANGES[DEFAULT], today), DEFAULT
    scope = Scope(
        since=since,
        until=until,
        at=at,
        zone=timezone.get_current_timezone(),
        cinema_id=cinema.pk if cinema else None,
        movie_id=movie.pk if movie else None,
        count_demo=settings.DEMO_PAYMENTS,
    )
    return Filters(scope, name, cinema, movie, " ".join(complaints))


def _slug(text: str) -> str:
    """The text if it can be a slug, else "": PostgreSQL refuses some texts, such as one with a NUL."""
    return text if SLUG.fullmatch(text) else ""


def _read_days(first: str, last: str, name: str, today: date) -> tuple[date, date, str]:
    """First day, last day and name of the range. Raises _BadDates."""
    first, last = first.strip(), last.strip()
    if not first and not last:
        if name and name not in RANGES:
            raise _BadDates(_("There is no such range of days."))
        name = name or DEFAULT
        return *_last(RANGES[name], today), name
    until = _read_date(last) if last else today
    since = _read_date(first) if first else until - timedelta(days=RANGES[DEFAULT] - 1)
    if since > until:
        raise _BadDates(_("The first day comes after the last."))
    if (until - since).days >= LONGEST:
        raise _BadDates(_("That is more than two years; ask for a shorter time."))
    return since, until, ""


def _read_date(text: str) -> date:
    try:
        if ISO_DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # such as the thirtieth of February: refused below
    raise _BadDates(_("A day is written like 2026-11-23, and must be in the calendar."))


def _last(n_days: int, today: date) -> tuple[date, date]:
    return today - timedelta(days=n_days - 1), today
