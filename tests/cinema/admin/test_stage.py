"""The page of the admin that gives a plan another stage or focal point."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse

from bench.support.factories import make_showtime, make_user
from cinema.models import Screen, SeatingPlan
from cinema.plans.layouts import layout_of
from cinema.plans.store import import_plan
from tests.cinema.plans.plan_files import plain_plan, write_plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan():
    return import_plan(write_plan(plain_plan()), cinema="Odeon", screen="1").plan


@pytest.fixture
def page(plan):
    return reverse("admin:cinema_seatingplan_stage", args=[plan.pk])


@pytest.fixture
def manager(client):
    user = make_user(staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_seatingplan", "change_screen"]))
    client.force_login(user)
    return client


def send(client, page, stage="top", x="", y=""):
    return client.post(page, {"stage": stage, "focal_x": x, "focal_y": y}, follow=True)


def test_the_page_of_a_plan_leads_to_its_stage_and_shows_both(manager, plan, page):
    shown = manager.get(reverse("admin:cinema_seatingplan_change", args=[plan.pk])).content.decode()
    assert f'href="{page}"' in shown
    x, y = layout_of(plan.hash).focal_point
    assert f"{x:g} from the left, {y:g} from the top" in shown
    form = manager.get(page)
    assert form.status_code == 200 and "the screen at the top" in form.content.decode()
    assert form.context["form"]["stage"].value() == "top"


def test_another_stage_is_another_plan_for_the_screens_and_not_for_showtimes(manager, plan, page):
    showtime = make_showtime(screen=plan.screens.get(), plan=plan)
    answer = send(manager, page, "left", "3", "5.5")
    moved = Screen.objects.get().plan
    assert answer.redirect_chain == [(reverse("admin:cinema_seatingplan_change", args=[moved.pk]), 302)]
    assert "has that stage and focal point. It is used by: 1, Odeon." in answer.content.decode()
    assert "the screen on the left" in answer.content.decode()
    assert (moved.stage, moved.hash != plan.hash) == ("left", True) and moved.focal_x is not None
    showtime.refresh_from_db()
    assert showtime.plan == plan and SeatingPlan.objects.get(pk=plan.pk).stage == "top"
    assert LogEntry.objects.get().object_id == str(moved.pk)


def test_what_is_stored_already_changes_nothing(manager, plan, page):
    assert "Nothing was changed." in send(manager, page).content.decode()
    assert SeatingPlan.objects.count() == 1


@pytest.mark.parametrize(
    ("stage", "x", "y", "words"),
    [
        ("top", "3", "", "A focal point has two numbers. Give both, or neither."),
        ("top", "", "3", "A focal point has two numbers. Give both, or neither."),
        ("top", "99", "3", "The drawing reaches from 0 to"),
        ("top", "3", "-1", "The drawing reaches from 0 to"),
        ("top", "nan", "3", "Enter a number."),
        ("top", "1e400", "3", "Enter a number."),
        ("middle", "", "", "middle is not one of the available choices"),
        ("bottom", "3", "0.1", "The focal point would lie outside the drawing."),
    ],
)
def test_what_is_no_place_of_the_drawing_is_refused_in_words(manager, page, stage, x, y, words):
    assert words in send(manager, page, stage, x, y).content.decode()
    assert SeatingPlan.objects.count() == 1


def test_only_who_may_change_screens_may_move_a_stage(client, page):
    assert client.get(page).status_code == 302
    user = make_user(staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_seatingplan"))
    for someone in (make_user(), make_user(staff=True), user):
        client.force_login(someone)
        answer = client.post(page, {"stage": "left"})
        assert answer.status_code in (302, 403) and SeatingPlan.objects.count() == 1


def test_a_plan_that_does_not_exist_is_not_found(manager):
    assert manager.get(reverse("admin:cinema_seatingplan_stage", args=[10**6])).status_code == 404
