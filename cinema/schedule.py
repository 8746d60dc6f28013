"""What runs when on a screen: how long a showing takes, local times, and showings that would overlap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from cinema.models import Screen, Showtime

TRAILERS = timedelta(minutes=15)
UNKNOWN_RUNTIME = timedelta(minutes=120)


def length_of(runtime: int | None) -> timedelta:
    """From the start to the end of a showing: the trailers and the film, in minutes; two hours if nobody knows."""
    return TRAILERS + (timedelta(minutes=runtime) if runtime else UNKNOWN_RUNTIME)


def at_wall_time(moment: datetime, zone: tzinfo) -> datetime:
    """The instant at which the clocks of the zone show this naive time.

    Raises:
        ValueError: with the reason; the clocks skip this time, or show it twice.
    """
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment:
        raise ValueError("is a time that does not exist: the clocks go forward over it")
    raise ValueError(
        f"is a time that comes twice, because the clocks go back; write {first.isoformat()} or {second.isoformat()}"
    )


def find_overlap(*, screen_id: int, starts_at: datetime, ends_at: datetime, but: int | None = None) -> Showtime | None:
    """The first showing on this screen that runs in that time and is not called off; `but` is one to leave out.

    Only what holds the screen's row lock may rely on the answer: see `lock_screens`.
    """
    found = Showtime.objects.filter(
        screen_id=screen_id, cancelled_at=None, starts_at__lt=ends_at, ends_at__gt=starts_at
    )
    if but is not None:
        found = found.exclude(pk=but)
    return found.select_related("movie", "screen").order_by("starts_at").first()


def lock_screens(pks: set[int]) -> list[Screen]:
    """Row-lock screens in `pk` order: whoever changes a screen's times waits for whoever else does."""
    return list(
        Screen.objects.select_for_update(of=("self",)).select_related("cinema").filter(pk__in=pks).order_by("pk")
    )
