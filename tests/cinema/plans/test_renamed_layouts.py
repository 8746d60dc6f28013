"""A database of the release before: its plans get other names, and everything that was sold from them goes on."""

import uuid

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from bench.support.factories import make_showtime
from booking.locks import lock_seats
from booking.seats.map import read_map
from cinema.models import SeatingPlan
from cinema.plans.layouts import layout_of
from cinema.plans.store import import_plan
from tests.cinema.plans.plan_files import plain_plan, write_plan

OLD = "10bb0450581129db5c27a63f57f461ba"  # the hash of `plain_plan` in release 0.5.0


@pytest.mark.django_db(transaction=True)
def test_a_plan_of_the_release_before_is_renamed_and_its_sales_go_on(client):
    content, buyer, at = write_plan(plain_plan()), uuid.uuid4(), timezone.now()
    plan = import_plan(content, cinema="Odeon", screen="1").plan
    today = plan.hash
    showtime = make_showtime(screen=plan.screens.get(), plan=plan)
    lock_seats(showtime_id=showtime.pk, visitor=buyer, labels=["A1", "B2"], at=at)
    before = read_map(showtime.pk)
    leaves = MigrationExecutor(connection).loader.graph.leaf_nodes()
    try:
        earlier = MigrationExecutor(connection)
        apps = earlier.migrate([("cinema", "0009_seat_colour")]).apps
        apps.get_model("cinema", "SeatingPlan").objects.update(hash=OLD)
    finally:
        MigrationExecutor(connection).migrate(leaves)
    layout_of.cache_clear()

    assert SeatingPlan.objects.get().hash == today != OLD, "the name of the same file imported today"
    after = read_map(showtime.pk)
    assert (after.epoch, after.version, after.state) == (before.epoch, before.version, before.state)
    assert after.layout == today
    again = import_plan(content, cinema="Odeon", screen="1")
    assert (again.is_new_plan, again.created, again.updated, again.unchanged) == (False, 0, 0, 18)
    for address in (f"/api/layouts/{OLD}/", f"/api/layouts/{today}/"):
        body = client.get(address).json()
        assert body["layout"] == today and len(body["seats"]) == 18
        assert body["stage"] == "top" and {seat["sofa"] for seat in body["seats"]} == {None}
    assert client.get(f"/layouts/{OLD}.css").status_code == 200, "a page from before the update is reloaded"
    taken = lock_seats(showtime_id=showtime.pk, visitor=buyer, labels=["A1", "A2"], at=timezone.now())
    assert taken.layout_hash == today and taken.version == before.version + 1
