"""What to offer in place of a selection that lost a race. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from booking.seats.choice.blocks import Accept, nearest_block
from booking.seats.choice.hall import mask_of
from booking.seats.choice.seating import Seating


def replace_lost(seating: Seating, selection: Collection[int], lost: Collection[int]) -> tuple[int, ...]:
    """A whole selection of free seats, as many of each category and kind as the selection; () when there is none.

    A selection side by side becomes the nearest block side by side, and all may move. A clean block comes before
    others, and one with what is not lost before one without. Where there is no such block, and where the selection was
    apart, what is not lost stays, and each lost seat is replaced by the nearest of its class: one that leaves no half
    sofa and no single seat, where there is one.

    Args:
        seating: in which the lost seats are not free.
    """
    ordered = sorted(selection)
    if len(ordered) > 1 and seating.hall.is_block(ordered):
        block = _block_instead(seating, ordered, set(lost))
        if block is not None:
            return tuple(block)
    return _seats_instead(seating, set(selection) - set(lost), sorted(lost))


def _block_instead(seating: Seating, selection: Sequence[int], lost: set[int]) -> range | None:
    hall = seating.hall
    classes = sorted(hall.classes[index] for index in selection)
    mask, centre, kept = (
        seating.free & hall.mask_of_classes(set(classes)),
        hall.centre(selection),
        set(selection) - lost,
    )

    def is_equal(block: range) -> bool:
        return sorted(hall.classes[block.start : block.stop]) == classes

    def is_clean(block: range) -> bool:
        return is_equal(block) and seating.is_clean(block)

    for accept in (is_clean, is_equal):
        for keeps in (kept, set[int]()):
            block = nearest_block(hall, mask, len(selection), centre, _both(keeps, accept))
            if block is not None:
                return block
    return None


def _both(keeps: set[int], accept: Accept) -> Accept:
    return lambda block: keeps.issubset(block) and accept(block)


def _seats_instead(seating: Seating, kept: set[int], lost: Sequence[int]) -> tuple[int, ...]:
    chosen = set(kept)
    for index in lost:
        found = _seat_instead(seating, chosen, index)
        if found is None:
            return ()
        chosen.add(found)
    return tuple(sorted(chosen))


def _seat_instead(seating: Seating, chosen: set[int], lost: int) -> int | None:
    """The nearest free seat of the class of `lost` that is not chosen yet, a clean one before others."""
    hall = seating.hall
    place = hall.places[lost]
    mask = seating.free & hall.mask_of_classes([hall.classes[lost]]) & ~mask_of(chosen)

    def is_clean(block: range) -> bool:
        return seating.is_clean({*chosen, *block})

    found = nearest_block(hall, mask, 1, (place.x, place.y), is_clean)
    found = found or nearest_block(hall, mask, 1, (place.x, place.y))
    return found.start if found else None
