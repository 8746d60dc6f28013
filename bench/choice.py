"""What choosing costs: best available, advice, other seats after a lost race. CPU of pure functions.

`python -m bench.choice [--times N]`: halls of 600 and 2,000 seats, empty, half full in parties of one to four, and nine
tenths full. A visitor asks for the best three or ten, selections for two seats in the middle of a gap, or has lost one.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable

from bench.support.tables import print_table, spread_of
from booking.seats.choice.advice import advise
from booking.seats.choice.best import Ask, best_block, best_split
from booking.seats.choice.hall import Hall, Place
from booking.seats.choice.replacement import replace_lost
from booking.seats.choice.seating import Seating

HALLS = {600: (20, 30), 2000: (40, 50)}  # seats: rows, seats in a row
FILLS = (0.0, 0.5, 0.9)
HEAD = ["seats", "taken", "what", "CPU ms", "of 20 ms"]


def make_hall(rows: int, per_row: int) -> Hall:
    """Rows of three segments with two aisles, the last quarter of another category, pairs of sofas in the last row."""
    places = []
    for row in range(rows):
        category = "premium" if row >= rows * 3 // 4 else "standard"
        for k in range(per_row):
            segment = 3 * row + (k >= per_row // 4) + (k >= per_row * 3 // 4)
            sofa = (len(places) ^ 1) if row == rows - 1 and per_row % 4 == 0 else None
            places.append(Place(segment, k + 1.5 * (segment % 3), 1.1 * row, category, sofa=sofa))
    return Hall(tuple(places), (per_row / 2 + 1.5, rows * 0.7))


def fill(hall: Hall, share: float, rng: random.Random) -> Seating:
    n = len(hall.places)
    state = ["A"] * n
    while state.count("B") < share * n:
        at = rng.randrange(n)
        for index in range(at, min(at + rng.randint(1, 4), n)):
            state[index] = "B"
    return Seating(hall, "".join(state), [0] * n)


def cost_of(call: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of CPU of each call."""
    call()
    found = []
    for _ in range(times):
        begun = time.process_time()
        call()
        found.append(1e3 * (time.process_time() - begun))
    return found


def fresh(seating: Seating) -> Seating:
    """Without what the last call has remembered of it."""
    return Seating(seating.hall, seating.state, seating.since)


def calls_of(seating: Seating, rng: random.Random) -> dict[str, Callable[[], object]]:
    hall = seating.hall
    free = [i for i, letter in enumerate(seating.state) if letter == "A"]
    selections = [(i, i + 1) for i in free if hall.neighbours[i][1] in free]
    rng.shuffle(selections)
    good = next((selection for selection in selections if not seating.singles(selection)), selections[0])
    bad = next((selection for selection in selections if seating.singles(selection)), selections[0])
    return {
        "best 3": lambda: best_block(fresh(seating), Ask(3), rng),
        "best 10": lambda: best_block(fresh(seating), Ask(10), rng),
        "10 apart": lambda: best_split(fresh(seating), Ask(10)),
        "advice, nothing wrong": lambda: advise(fresh(seating), good),
        "advice, a single seat": lambda: advise(fresh(seating), bad),
        "another selection after a lost race": lambda: replace_lost(
            Seating(hall, seating.state, seating.since, away=frozenset(good[:1])), good, good[:1]
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.choice", description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    times, rng, rows = parser.parse_args().times, random.Random(1), []
    for n, (n_rows, per_row) in HALLS.items():
        hall = make_hall(n_rows, per_row)
        for share in FILLS:
            seating = fill(hall, share, rng)
            for name, call in calls_of(seating, rng).items():
                costs = cost_of(call, times)
                rows.append([str(n), f"{share:.0%}", name, spread_of(costs, "{:.2f}"), f"{max(costs) / 20:.0%}"])
    print_table(HEAD, rows)


if __name__ == "__main__":
    main()
