"""The seating rules once more, by trying everything: slow, and written from the contract without the product's code."""

import math
from itertools import combinations

TIE = 1e-6


def is_open(seating, i):
    return i not in seating.away and (seating.state[i] == "A" or i in seating.mine)


def beside(seating, i, step):
    """The seat at that side, or None."""
    j, places = i + step, seating.hall.places
    return j if 0 <= j < len(places) and places[j].segment == places[i].segment else None


def left_alone(seating, selection):
    """Seats that were not alone while the selection was free, and are with it."""
    if not seating.rules.single_seats:
        return set()

    def walled(i, step, taken):
        j = beside(seating, i, step)
        if j is None or j in taken:
            return True
        if is_open(seating, j):
            return False
        other = beside(seating, i, -step)
        return not (other in seating.mine and other in taken and seating.since[j] > seating.since[other])

    def alone(i, taken):
        return walled(i, -1, taken) and walled(i, 1, taken)

    others = [i for i, place in enumerate(seating.hall.places) if place.kind == "seat" and is_open(seating, i)]
    return {i for i in others if i not in selection and alone(i, set(selection)) and not alone(i, set())}


def halves(seating, selection):
    pairs = {i: seating.hall.places[i].sofa for i in selection}
    return {i for i, other in pairs.items() if other is not None and is_open(seating, other) and other not in selection}


def companions(seating, selection):
    if not seating.rules.companions:
        return set()
    owners = {i: seating.hall.places[i].companion_of for i in selection if seating.hall.places[i].kind == "companion"}
    return {i for i, o in owners.items() if o is not None and o not in selection and o not in seating.rules.places}


def wrong(seating, selection):
    return bool(left_alone(seating, selection) or halves(seating, selection) or companions(seating, selection))


def blocks(seating, n):
    """Every `n` open seats side by side."""
    for first in range(len(seating.hall.places) - n + 1):
        block = tuple(range(first, first + n))
        if all(is_open(seating, i) for i in block) and all(beside(seating, i, 1) == i + 1 for i in block[:-1]):
            yield block


def kinds(seating, selection):
    return sorted((seating.hall.places[i].category, seating.hall.places[i].kind) for i in selection)


def better_blocks(seating, selection):
    """Placements of the same number in the same categories, side by side, that leave nothing wrong."""
    same = kinds(seating, selection)
    return [b for b in blocks(seating, len(selection)) if kinds(seating, b) == same and not wrong(seating, b)]


def is_sound(seating, selection):
    """Whether a selection that takes no half sofa and no lone companion place carries no advice."""
    if halves(seating, selection) or companions(seating, selection):
        return False
    return not left_alone(seating, selection) or not better_blocks(seating, selection)


def ways_out(seating, selection):
    """Whether any selection of the number without half sofas, lone companions and needless singles is free.

    Of ordinary seats, with all that does not offend or with nothing of it.
    """
    if better_blocks(seating, selection):
        return True
    kept = set(selection) - halves(seating, selection) - companions(seating, selection)
    ordinary = [i for i, place in enumerate(seating.hall.places) if place.kind == "seat" and is_open(seating, i)]
    for stays in (kept, set()):
        others = [i for i in ordinary if i not in stays]
        for more in combinations(others, len(selection) - len(stays)):
            if is_sound(seating, stays | set(more)):
                return True
    return False


def advice(seating, selection):
    """The types of advice, in order."""
    found = []
    if companions(seating, selection) or halves(seating, selection):
        out = ways_out(seating, selection)
        found += ["companion-alone"] if companions(seating, selection) and out else []
        found += ["half-a-sofa"] if halves(seating, selection) and out else []
    if left_alone(seating, selection) and better_blocks(seating, selection):
        found.append("leaves-single-seat")
    return found


def centre(seating, selection):
    places = [seating.hall.places[i] for i in selection]
    return sum(p.x for p in places) / len(places), sum(p.y for p in places) / len(places)


def offers(seating, n, *, categories=(), step_free=False):
    """The blocks that best available may answer with, before the nearest of them is chosen."""

    def allowed(i):
        place = seating.hall.places[i]
        return (not categories or place.category in categories) and (step_free or place.kind == "seat")

    def suits(block):
        return not step_free or any(seating.hall.places[i].kind == "wheelchair" for i in block)

    asked = [b for b in blocks(seating, n) if all(map(allowed, b)) and suits(b)]
    free_of_advice = [b for b in asked if not advice(seating, b)]
    for better in (lambda b: not wrong(seating, b), lambda b: not halves(seating, b) and not companions(seating, b)):
        if best := [b for b in free_of_advice if better(b)]:
            return best
    return free_of_advice


def nearest(seating, found, point):
    """Those of the blocks whose centres are nearest to the point."""
    distances = {block: math.dist(centre(seating, block), point) for block in found}
    least = min(distances.values(), default=0)
    return {block for block, distance in distances.items() if distance <= least + TIE}
