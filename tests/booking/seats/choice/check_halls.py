"""One random hall, all rules compared with the oracle: some hundred in the tests, 5,000 in the soak."""

from dataclasses import replace

from booking.seats.choice.advice import advise
from booking.seats.choice.best import Ask, best_block, best_split
from booking.seats.choice.replacement import replace_lost
from booking.seats.choice.seating import Rules
from tests.booking.seats.choice import oracle
from tests.booking.seats.choice.halls import free_seats, new_rng, random_hall, random_seating, random_selection


def check_one(seed):
    """What was compared in the hall of this seed, as counts. Raises AssertionError with the seed."""
    rng, _ = new_rng(seed)
    small = rng.random() < 0.7  # so small that every choice of seats can be tried
    hall = random_hall(rng, rows=3, longest=4) if small else random_hall(rng)
    seating = random_seating(rng, hall)
    counts = dict.fromkeys(("advised", "offered", "none together", "replaced"), 0)
    try:
        counts["advised"] = check_advice(rng, seating, small)
        counts["offered"], counts["none together"] = check_best(rng, seating, small)
        counts["replaced"] = check_replacement(rng, seating)
    except AssertionError as error:
        error.add_note(f"hall of seed {seed}: {seating}")
        raise
    return counts


def check_advice(rng, seating, small):
    selections = [random_selection(rng, seating.hall, free_seats(seating), rng.randint(1, 3)) for _ in range(4)]
    n_advised = 0
    for selection in [*selections, sorted(seating.mine) if len(seating.mine) <= 3 else []]:
        if not selection or not (
            small or not (oracle.halves(seating, selection) or oracle.companions(seating, selection))
        ):
            continue
        found = advise(seating, set(selection))
        assert [advice.type for advice in found] == oracle.advice(seating, selection), selection
        for advice in found:
            check_suggestion(seating, selection, advice)
        n_advised += bool(found)
    return n_advised


def check_suggestion(seating, selection, advice):
    suggestion = advice.suggestion
    assert len(set(suggestion)) == len(selection)
    assert all(oracle.is_open(seating, i) for i in suggestion)
    assert oracle.is_sound(seating, suggestion), (selection, advice)
    if advice.type == "leaves-single-seat":
        best = oracle.nearest(seating, oracle.better_blocks(seating, selection), oracle.centre(seating, selection))
        assert suggestion in best, (selection, advice)
        assert set(advice.seats) == oracle.left_alone(seating, selection)
    taken = granted(seating, suggestion)
    assert advise(taken, set(suggestion)) == [], (selection, advice)


def granted(seating, selection):
    """The hall after the selection was granted: mine that is not named is free, what is new has the next version."""
    now = max(seating.since, default=0) + 1
    state = ["L" if i in selection else "A" if i in seating.mine else letter for i, letter in enumerate(seating.state)]
    since = [now if i in selection and i not in seating.mine else version for i, version in enumerate(seating.since)]
    return replace(seating, state="".join(state), since=tuple(since), mine=frozenset(selection))


def check_best(rng, seating, small):
    ask = Ask(
        rng.randint(1, 3 if small else 5),
        categories=frozenset(rng.choice(((), (), "a", "b", "ab"))),
        near=rng.choice((None, rng.randrange(len(seating.hall.places)))),
        step_free=rng.random() < 0.3,
    )
    if not small:  # the oracle would try every choice of seats
        seating = replace(
            seating, hall=replace(seating.hall, places=tuple(replace(p, sofa=None) for p in seating.hall.places))
        )
        ask = replace(ask, step_free=False)
    found = best_block(seating, ask, rng)
    offers = oracle.offers(seating, ask.n, categories=ask.categories, step_free=ask.step_free)
    assert (found is None) == (not offers), (ask, found, offers)
    if found is not None:
        assert tuple(found) in oracle.nearest(seating, offers, ask.target(seating.hall)), (ask, found)
        assert oracle.advice(seating, found) == [], (ask, found)
        return 1, 0
    check_split(seating, ask)
    return 0, 1


def check_split(seating, ask):
    hall = seating.hall
    seats = [i for i in free_seats(seating) if ask.allows(*hall.classes[i])]
    found = best_split(seating, ask)
    assert (found is not None) == (len(seats) >= ask.n and ask.fits(hall, seats)), (ask, found)
    if found is not None:
        assert len(set(found)) == ask.n
        assert set(found) <= set(seats)
        assert ask.fits(hall, found)


def check_replacement(rng, seating):
    """Somebody takes some seats of a selection that could have been granted."""
    selection = random_selection(rng, seating.hall, free_seats(seating), rng.randint(1, 4))
    others = [i for i in selection if i not in seating.mine]
    if not others:
        return 0
    lost = rng.sample(others, rng.randint(1, len(others)))
    at_work = rng.random() < 0.5  # the map does not say so yet
    letters = ["B" if i in lost and not at_work else letter for i, letter in enumerate(seating.state)]
    seating = replace(seating, state="".join(letters), away=frozenset(lost), rules=Rules())
    found = replace_lost(seating, selection, lost)
    same = oracle.kinds(seating, selection)
    equal = [b for b in oracle.blocks(seating, len(selection)) if oracle.kinds(seating, b) == same]
    kept = set(selection) - set(lost)
    enough = all(
        sum(
            oracle.is_open(seating, i) and i not in kept and kind == seating.hall.classes[i]
            for i in range(len(letters))
        )
        >= sum(kind == seating.hall.classes[i] for i in lost)
        for kind in {seating.hall.classes[i] for i in lost}
    )
    side_by_side = len(selection) > 1 and seating.hall.is_block(sorted(selection))
    assert bool(found) == (enough or (side_by_side and bool(equal))), (selection, lost, found)
    if found:
        assert oracle.kinds(seating, found) == same
        assert all(oracle.is_open(seating, i) for i in found)
        if side_by_side and equal:
            check_block_instead(seating, selection, kept, found, equal)
        else:
            assert kept < set(found)
    return bool(found)


def check_block_instead(seating, selection, kept, found, equal):
    """The nearest of the clean ones that keep what is not lost, else of the clean ones, else in the same order."""
    clean = [b for b in equal if not oracle.wrong(seating, b)]
    keeping = [[b for b in some if kept <= set(b)] for some in (clean, equal)]
    first = next(some for some in (keeping[0], clean, keeping[1], equal) if some)
    assert tuple(found) in oracle.nearest(seating, first, oracle.centre(seating, selection)), (selection, found)
