"""What the page of a showtime reads besides the seats, in prepared statements.

As SQL because a crowd opens this page at once, and compiling the two queries with the ORM took a third of its time.
"""

from __future__ import annotations

from datetime import datetime

from django.http import Http404
from django.utils import timezone

from cinema.database.row_mapping import columns_of, read_rows
from cinema.database.statements import Statement, run_queries
from cinema.days import bounds_of
from cinema.models import Cinema, Movie, Screen, SeatingPlan, Showtime

MOVIE = ("id", "title", "slug", "poster", "picture")
CINEMA = ("id", "name")
PLAN = ("id", "hash")
TIME, SCREEN = ("id", "starts_at"), ("id", "name")

SHOWTIME = Statement(
    "page_showtime",
    f"""
SELECT {columns_of(Showtime, "t")}, {columns_of(Movie, "m", MOVIE)}, {columns_of(Screen, "s")}
     , {columns_of(Cinema, "c", CINEMA)}, {columns_of(SeatingPlan, "p", PLAN)}
  FROM cinema_showtime t
  JOIN cinema_movie m ON m.id = t.movie_id
  JOIN cinema_screen s ON s.id = t.screen_id
  JOIN cinema_cinema c ON c.id = s.cinema_id
  JOIN cinema_seatingplan p ON p.id = t.plan_id
 WHERE t.id = %s
""",
)
SAME_DAY = Statement(
    "page_same_day",
    f"""
SELECT {columns_of(Showtime, "t", TIME)}, {columns_of(Screen, "s", SCREEN)}
  FROM cinema_showtime t JOIN cinema_screen s ON s.id = t.screen_id
 WHERE t.movie_id = %s AND s.cinema_id = %s AND t.starts_at >= %s AND t.starts_at < %s
   AND t.ends_at > %s AND t.cancelled_at IS NULL
 ORDER BY t.starts_at, t.id
""",
)


def find_showtime(showtime_id: int) -> Showtime:
    """The showtime with its screen, and what the page shows of its movie, cinema and plan. Raises Http404."""
    [answer] = run_queries((SHOWTIME, [showtime_id]))
    for showtime, others in read_rows(Showtime, answer):
        [(movie, others)] = read_rows(Movie, [others], MOVIE)
        [(screen, others)] = read_rows(Screen, [others])
        [(cinema, others)] = read_rows(Cinema, [others], CINEMA)
        [(plan, _)] = read_rows(SeatingPlan, [others], PLAN)
        showtime.movie, showtime.screen, showtime.plan = movie, screen, plan
        screen.cinema = cinema
        return showtime
    raise Http404("There is no such showtime.")


def times_of_day(showtime: Showtime, at: datetime) -> list[Showtime]:
    """The showtimes of the same movie, cinema and day that have not ended, in order of time: key, start, screen."""
    begins, ends = bounds_of(timezone.localdate(showtime.starts_at))
    [answer] = run_queries((SAME_DAY, [showtime.movie_id, showtime.screen.cinema_id, begins, ends, at]))
    times = []
    for time, others in read_rows(Showtime, answer, TIME):
        [(time.screen, _)] = read_rows(Screen, [others], SCREEN)
        times.append(time)
    return times
