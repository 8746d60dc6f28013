"""The board as a page shows it: its showtimes, each with a phase and a bar, and their totals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from django.utils import timezone

from booking.seats.occupancy import on_the_board
from cinema.models import Cinema, Showtime

ADMISSION_OPENS = timedelta(minutes=30)  # before the start
LONGEST_WALL = 40  # rows sent to a wall display, which shows the first nine that are not over
Phase = Literal["cancelled", "over", "running", "doors", "full", ""]


@dataclass(frozen=True)
class Piece:
    """A segment of a bar, in percent of its width."""

    kind: str
    x: float
    width: float


@dataclass(frozen=True)
class BoardLine:
    """One showtime. The same numbers as in a frame of `/ws/board/`."""

    showtime: Showtime
    phase: Phase

    @property
    def on_sale(self) -> int:
        return self.showtime.n_seats - self.showtime.n_blocked

    @property
    def to_come(self) -> int:
        return self.showtime.n_booked - self.showtime.n_arrived

    @property
    def percent(self) -> int:
        """Booked seats in percent of those on sale, rounded down: 100 only when all are booked."""
        return 100 * self.showtime.n_booked // self.on_sale if self.on_sale else 0

    @property
    def pieces(self) -> list[Piece]:
        """The segments of the bar, all seats together: arrived, booked, locked, free, blocked."""
        s = self.showtime
        counts = (s.n_arrived, self.to_come, s.n_locked, s.n_available, s.n_blocked)
        return pieces_of(dict(zip(("arrived", "booked", "locked", "free", "blocked"), counts, strict=True)))


@dataclass(frozen=True)
class Totals:
    revenue: int
    booked: int
    on_sale: int
    locked: int
    available: int
    arrived: int


def pieces_of(counts: dict[str, int]) -> list[Piece]:
    """Side by side in this order; a count of zero has no width."""
    whole = sum(counts.values()) or 1
    x, found = 0.0, []
    for kind, count in counts.items():
        width = 100 * count / whole
        found.append(Piece(kind, round(x, 3), round(width, 3)))
        x += width
    return found


def phase_of(showtime: Showtime, at: datetime) -> Phase:
    """The one of these states that matters most to the staff at the entrance."""
    if showtime.cancelled_at is not None:
        return "cancelled"
    if at >= showtime.ends_at:
        return "over"
    if at >= showtime.starts_at:
        return "running"
    if at >= showtime.starts_at - ADMISSION_OPENS:
        return "doors"
    return "full" if showtime.n_seats and not showtime.n_available and not showtime.n_locked else ""


def read_lines(at: datetime) -> list[BoardLine]:
    """Every showtime on the board, ordered by start. One query."""
    return [BoardLine(each, phase_of(each, at)) for each in on_the_board(at).with_movie_and_screen()]


def day_of(line: BoardLine, today: date) -> date:
    """The day in whose list a line is: today for one that began yesterday and is still on the board."""
    return max(today, timezone.localdate(line.showtime.starts_at))


def days_of(lines: Iterable[BoardLine], today: date) -> list[date]:
    return sorted({day_of(line, today) for line in lines} | {today})


def cinemas_of(lines: Iterable[BoardLine]) -> list[Cinema]:
    found = {line.showtime.screen.cinema_id: line.showtime.screen.cinema for line in lines}
    return sorted(found.values(), key=lambda cinema: cinema.name)


def totals_of(lines: Sequence[BoardLine]) -> Totals:
    """Without the cancelled showtimes."""
    counted = [line for line in lines if line.phase != "cancelled"]
    return Totals(
        revenue=sum(line.showtime.revenue for line in counted),
        booked=sum(line.showtime.n_booked for line in counted),
        on_sale=sum(line.on_sale for line in counted),
        locked=sum(line.showtime.n_locked for line in counted),
        available=sum(line.showtime.n_available for line in counted),
        arrived=sum(line.showtime.n_arrived for line in counted),
    )
