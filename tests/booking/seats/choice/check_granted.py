"""Suggestions and alternatives taken by real requests: each is granted, and carries no advice."""

import json
from contextlib import suppress

from django.test import Client
from django.utils import timezone

from bench.support.factories import make_plan, make_showtime, new_visitor
from booking.locks import lock_seats
from booking.refusals import Refusal
from cinema.models import Seat

ROWS, PER_ROW = 6, 9


def check_granted(n, rng):
    """Take suggestions and alternatives until `n` of each were granted. Returns how many requests that took."""
    left = {"suggestion": n, "alternative": n}
    requests = 0
    while max(left.values()) > 0:
        showtime = random_showtime(rng)
        for _ in range(12):
            requests += 1
            kind = request_once(rng, showtime)
            if kind:
                left[kind] -= 1
    return requests


def random_showtime(rng):
    """A hall with sofas in one row and wheelchair places in another, taken by others to some part."""
    plan = make_plan(ROWS, PER_ROW)
    first = rng.randint(1, 2)
    for number in range(first, PER_ROW, 2):
        for at, shape in ((number, "sofa-start"), (number + 1, "sofa-end")):
            Seat.objects.filter(plan=plan, label=f"B{at}").update(shape=shape)
    Seat.objects.filter(plan=plan, label="C1").update(kind="wheelchair")
    Seat.objects.filter(plan=plan, label="C2").update(kind="companion")
    showtime = make_showtime(plan)
    for _ in range(rng.randint(0, 14)):
        take(showtime, rng)
    return showtime


def take(showtime, rng):
    row, at, size = rng.choice("ABCDEF"), rng.randint(1, PER_ROW), rng.randint(1, 4)
    seats = [f"{row}{number}" for number in range(at, min(at + size, PER_ROW + 1))]
    with suppress(Refusal):  # somebody has one of them
        lock_seats(showtime_id=showtime.pk, visitor=new_visitor(), labels=seats, at=timezone.now())


def request_once(rng, showtime):
    """A new visitor requests some seats in two steps and takes what is offered; what was taken, or ""."""
    client, url = Client(), f"/api/showtimes/{showtime.pk}/lock/"

    def put(labels):
        return client.put(url, json.dumps({"seats": labels}), content_type="application/json")

    row, at, size = rng.choice("ABCDEF"), rng.randint(1, PER_ROW), rng.randint(1, 4)
    seats = [f"{row}{number}" for number in range(at, min(at + size, PER_ROW + 1))]
    if rng.random() < 0.3:
        put(seats[:1])
    answer, taken = put(seats), ""
    if answer.status_code == 409 and (instead := answer.json().get("alternative")):
        answer, taken = put(instead), "alternative"
        assert answer.status_code == 200, (seats, instead, answer.content)
        assert len(set(instead)) == len(seats)
    if answer.status_code == 200 and (advice := answer.json()["advice"]):
        (suggestion,) = {tuple(found["suggestion"]) for found in advice}
        answer, taken = put(suggestion), "suggestion"
        assert answer.status_code == 200, (seats, advice, answer.content)
        assert answer.json()["advice"] == [], (seats, advice, answer.json()["advice"])
        assert len(set(suggestion)) == len(seats)
    client.delete(url)
    return taken
