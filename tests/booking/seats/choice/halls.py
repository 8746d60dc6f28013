"""Random halls and fills: rows with aisles, categories, sofas, wheelchair and companion places, seats taken in turn."""

import random

from booking.seats.choice.hall import Hall, Place
from booking.seats.choice.seating import Rules, Seating


def random_hall(rng, *, rows=5, longest=8):
    """A hall of at most `rows` rows of one to three segments of at most `longest` seats."""
    places, segment = [], 0
    for row in range(rng.randint(1, rows)):
        categories = rng.choice((["a"], ["a"], ["b"], ["a", "b"]))
        sofas, bend = rng.random() < 0.3, rng.choice((0.0, 0.03))
        x = rng.choice((0.0, 0.5))
        for _ in range(rng.randint(1, 3)):
            n = rng.randint(1, longest)
            change = rng.randint(0, n)  # where another category begins
            first = len(places)
            for k in range(n):
                category = categories[0] if k < change else categories[-1]
                places.append(Place(segment, x + k, row * 1.3 + bend * (x + k) ** 2, category))
            if sofas:
                pair_up(places, first + rng.randint(0, 1))
            elif rng.random() < 0.25:
                put_wheelchair(rng, places, first)
            segment, x = segment + 1, x + n + 1.5
    middle = max(place.x for place in places) / 2
    return Hall(tuple(places), (middle, rng.choice((0.0, 2.0))))


def pair_up(places, first):
    for i in range(first, len(places) - 1, 2):
        for a, b in ((i, i + 1), (i + 1, i)):
            places[a] = changed(places[a], sofa=b)


def put_wheelchair(rng, places, first):
    """A wheelchair place somewhere, mostly with a companion place at its side."""
    at = rng.randrange(first, len(places))
    places[at] = changed(places[at], kind="wheelchair")
    if at + 1 < len(places) and rng.random() < 0.7:
        places[at + 1] = changed(places[at + 1], kind="companion", companion_of=at)


def changed(place, **fields):
    return Place(**{**vars(place), **fields})


def random_seating(rng, hall):
    """Seats taken one after the other by others and by the visitor: blocks mostly, each with the next version."""
    n, taken = len(hall.places), rng.choice((0.0, 0.3, 0.6, 0.9))
    state, since, mine, version = ["A"] * n, [0] * n, set(), 0
    goes = rng.sample(range(n), n)
    for index in goes[: round(taken * n)] if rng.random() < 0.3 else in_blocks(rng, hall, taken):
        version += rng.randint(0, 1)
        state[index], since[index] = rng.choice("LLBBBX"), version
    for index in random_selection(rng, hall, [i for i in range(n) if state[i] == "A"], rng.randint(0, 4)):
        state[index], since[index] = "L", rng.randint(0, version + 1)
        mine.add(index)
    return Seating(hall, "".join(state), tuple(since), frozenset(mine), random_rules(rng, hall))


def random_rules(rng, hall):
    places = [i for i, place in enumerate(hall.places) if place.kind == "wheelchair" and rng.random() < 0.2]
    return Rules(single_seats=rng.random() < 0.9, companions=rng.random() < 0.8, places=frozenset(places))


def in_blocks(rng, hall, taken):
    """Indices in the order in which parties of one to four take them."""
    goes, left = [], round(taken * len(hall.places))
    while len(goes) < left:
        at, size = rng.randrange(len(hall.places)), rng.randint(1, 4)
        goes += [i for i in range(at, min(at + size, len(hall.places))) if i not in goes]
    return goes[:left]


def random_selection(rng, hall, free, n):
    """At most `n` of the free seats: side by side mostly, as far as they go."""
    if not free or n < 1:
        return []
    if rng.random() < 0.3:
        return sorted(rng.sample(free, min(n, len(free))))
    at = rng.choice(free)
    selection = []
    for index in range(at, min(at + n, len(hall.places))):
        if index not in free or hall.places[index].segment != hall.places[at].segment:
            break
        selection.append(index)
    return selection


def free_seats(seating):
    return [i for i, letter in enumerate(seating.state) if letter == "A" or i in seating.mine]


def new_rng(seed=None):
    """A source of its own, and the seed that repeats it."""
    seed = random.getrandbits(48) if seed is None else seed
    return random.Random(seed), seed
