"""Store seating plans: one transaction from a file to a screen that uses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from django.db import transaction
from django.utils.text import slugify

from cinema.imports.bad_rows import BadRow
from cinema.models import Cinema, Screen, Seat, SeatCategory, SeatingPlan
from cinema.plain_text import clean_text
from cinema.plans.building import build_plan
from cinema.plans.drawn import DrawnPlan, DrawnSeat
from cinema.plans.file import read_plan
from cinema.plans.json_reader import BadPlan

MAX_NAME = {"cinema": 120, "screen": 60}


@dataclass(frozen=True)
class Imported:
    """The result of an import. Seats are compared by guid with those of the screen's previous plan."""

    screen: Screen
    plan: SeatingPlan
    created: int
    updated: int
    unchanged: int
    removed: int
    is_new_cinema: bool
    is_new_screen: bool
    is_new_plan: bool
    notes: tuple[str, ...]


def import_plan(
    content: bytes, *, cinema: str, screen: str, names: Mapping[str, str] | None = None, dry_run: bool = False
) -> Imported:
    """Make `screen` use the plan of a pretix file; cinema and screen are created if they do not exist.

    A changed drawing is a new plan with a new hash. Showtimes keep the plan they were sold with, so no sold seat
    disappears. With `dry_run` everything is checked and nothing is stored.

    Raises:
        BadFile: with every bad row; nothing has been changed.
    """
    cinema, screen = _read_names(cinema=cinema, screen=screen)
    drawn = build_plan(read_plan(content), names)
    with transaction.atomic():
        imported = _store(drawn, cinema, screen)
        if dry_run:
            transaction.set_rollback(True)
    return imported


def _read_names(**names: str) -> list[str]:
    problems: list[BadRow] = []
    read = [_read_name(field, name, problems) for field, name in names.items()]
    if problems:
        raise BadPlan(problems)
    return read


def _read_name(field: str, name: str, problems: list[BadRow]) -> str:
    """A name that is typed beside the file, by the rules of the texts in it."""
    try:
        text = clean_text(name)
    except ValueError as error:
        problems.append(BadRow("name", field, str(error)))
        return ""
    if not text or len(text) > MAX_NAME[field]:
        problems.append(BadRow("name", field, f"must have 1 to {MAX_NAME[field]} characters"))
    return text


def _store(drawn: DrawnPlan, cinema_name: str, screen_name: str) -> Imported:
    cinema = Cinema.objects.filter(name=cinema_name).first()
    is_new_cinema = cinema is None
    if cinema is None:
        cinema = Cinema.objects.create(name=cinema_name, slug=free_slug(cinema_name))
    screen, is_new_screen = Screen.objects.get_or_create(cinema=cinema, name=screen_name)
    before = _kept_seats(screen.plan)
    notes = (*drawn.notes, *_note_of_stage(screen.plan, drawn))
    plan, is_new_plan = store_plan(drawn)
    if screen.plan_id != plan.pk:
        screen.plan = plan
        screen.save(update_fields=["plan"])
    after = {seat.guid: _facts(seat) for seat in drawn.seats}
    shared = before.keys() & after.keys()
    changed = sum(before[guid] != after[guid] for guid in shared)
    return Imported(
        screen, plan, len(after) - len(shared), changed, len(shared) - changed, len(before) - len(shared),
        is_new_cinema, is_new_screen, is_new_plan, notes,
    )  # fmt: skip


def _note_of_stage(before: SeatingPlan | None, drawn: DrawnPlan) -> list[str]:
    """The stage and focal point may have been set in the admin; the file decides, but says so."""
    if before is None or before.hash == drawn.hash:
        return []
    notes = []
    if before.stage != drawn.stage:
        notes.append(f"the stage was at the {before.stage} and is at the {drawn.stage} by this file")
    if before.focal_x is not None and drawn.focal_point is None:
        notes.append("the focal point was set and is the default by this file")
    return notes


def store_plan(drawn: DrawnPlan) -> tuple[SeatingPlan, bool]:
    x, y = drawn.focal_point or (None, None)
    plan, is_new = SeatingPlan.objects.get_or_create(
        hash=drawn.hash,
        defaults={
            "name": drawn.name, "width": drawn.width, "height": drawn.height, "areas": list(drawn.areas),
            "stage": drawn.stage, "links": drawn.links, "focal_x": x, "focal_y": y,
        },
    )  # fmt: skip
    if is_new:
        categories = {
            category.key: SeatCategory(
                plan=plan, key=category.key, name=category.name, color=category.color,
                seat_colour=category.seat_colour, position=position,
            )
            for position, category in enumerate(drawn.categories)
        }  # fmt: skip
        SeatCategory.objects.bulk_create(categories.values())
        Seat.objects.bulk_create(
            [Seat(plan=plan, **{**asdict(seat), "category": categories[seat.category]}) for seat in drawn.seats],
            batch_size=50,
        )
    return plan, is_new


def _facts(seat: DrawnSeat) -> tuple[object, ...]:
    """The fields by which a seat counts as updated; its index may change without that."""
    return seat.label, seat.x, seat.y, seat.turn, seat.category, seat.kind, seat.shape, seat.for_sale


def _kept_seats(plan: SeatingPlan | None) -> dict[str, tuple[object, ...]]:
    if plan is None:
        return {}
    rows = plan.seats.values_list("guid", "label", "x", "y", "turn", "category__key", "kind", "shape", "for_sale")
    return {guid: tuple(facts) for guid, *facts in rows}


def free_slug(name: str) -> str:
    """A slug for a cinema's name that no other cinema has."""
    stem = slugify(name)[:100] or "cinema"
    taken = set(Cinema.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    return next(s for s in (stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3))) if s not in taken)
