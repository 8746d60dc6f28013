"""Times of showtimes: their length, local times, and overlaps on one screen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from cinema.models import Screen, Showtime

TRAILERS = timedelta(minutes=15)
UNKNOWN_RUNTIME = timedelta(minutes=120)


def length_of(runtime: int | None) -> timedelta:
    """From the start to the end of a showtime: trailers and film. `runtime` is in minutes; without one, two hours."""
    return TRAILERS + (timedelta(minutes=runtime) if runtime else UNKNOWN_RUNTIME)


def at_wall_time(moment: datetime, zone: tzinfo) -> datetime:
    """The instant of a naive local time in a zone.

    Raises:
        ValueError: with the reason, if a clock change skips this time or repeats it.
    """
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment:
        raise ValueError("is a time that does not exist: the clocks go forward over it")
    raise ValueError(
        f"is a time that comes twice, because the clocks go back; write {first.isoformat()} or {second.isoformat()}"
    )


def find_overlap(
    *, screen_id: int, starts_at: datetime, ends_at: datetime, exclude_id: int | None = None
) -> Showtime | None:
    """The first showtime on this screen that overlaps that time and is not cancelled, other than `exclude_id`.

    The answer is only reliable while the transaction holds the screen's row lock: see `lock_screens`.
    """
    found = Showtime.objects.filter(
        screen_id=screen_id, cancelled_at=None, starts_at__lt=ends_at, ends_at__gt=starts_at
    )
    if exclude_id is not None:
        found = found.exclude(pk=exclude_id)
    return found.select_related("movie", "screen").order_by("starts_at").first()


def lock_screens(pks: set[int]) -> list[Screen]:
    """Row-lock screens in `pk` order: changes of a screen's showtimes are done one after the other."""
    return list(
        Screen.objects.select_for_update(of=("self",)).select_related("cinema").filter(pk__in=pks).order_by("pk")
    )
