import json
import re

import pytest

from cinema.models import Screen, SeatingPlan
from cinema.plans.building import build_plan
from cinema.plans.file import read_plan
from cinema.plans.layouts import layout_of
from cinema.plans.store import import_plan
from tests.cinema.plans.plan_files import plain_plan, plan_with_defects, write_plan

pytestmark = pytest.mark.django_db
KEYS = ["i", "label", "row", "number", "segment", "x", "y", "category", "kind", "sofa", "companion_of"]


@pytest.fixture
def layout():
    return layout_of(import_plan(write_plan(plan_with_defects()), cinema="Odeon", screen="1").plan.hash)


def test_a_layout_has_exactly_the_keys_of_the_contract_and_is_cached_for_a_year(client, layout):
    answer = client.get(f"/api/layouts/{layout.hash}/")
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    body = json.loads(answer.content)
    assert list(body) == ["layout", "width", "height", "stage", "focal_point", "categories", "areas", "seats"]
    assert body["layout"] == layout.hash
    assert all(list(category) == ["key", "name", "color"] for category in body["categories"])
    assert all(list(seat) == KEYS for seat in body["seats"])
    assert [seat["i"] for seat in body["seats"]] == list(range(13))
    assert len({seat["label"] for seat in body["seats"]}) == 13
    assert {seat["category"] for seat in body["seats"]} <= {category["key"] for category in body["categories"]}


def test_a_client_that_has_a_layout_gets_304(client, layout):
    for address in (f"/api/layouts/{layout.hash}/", f"/layouts/{layout.hash}.css"):
        etag = client.get(address)["ETag"]
        again = client.get(address, headers={"If-None-Match": etag})
        assert again.status_code == 304 and not again.content
        assert again["Cache-Control"] == "public, max-age=31536000, immutable"


def test_an_unknown_layout_is_a_problem_document(client):
    answer = client.get("/api/layouts/none/")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "not-found"
    assert client.get("/layouts/none.css").status_code == 404


def test_the_style_sheet_has_the_position_of_every_seat_and_row_letter(client, layout):
    answer = client.get(f"/layouts/{layout.hash}.css")
    assert answer["Content-Type"].startswith("text/css")
    css = answer.content.decode()
    for seat in layout.seats:
        assert f".s{seat.index} {{ --x: {seat.x:.3f}; --y: {seat.y:.3f}; --turn: {seat.turn:.2f}deg; }}" in css
    for row in layout.rows:
        for side in ("start", "end"):
            assert f'.row-letter[data-row="{row.key}"][data-side="{side}"]' in css
    assert f"--hall-width: {layout.width:g}; --hall-depth: {layout.height:g};" in css
    assert re.search(r"--fit-left: 0\.000; --fit-top: 0\.000; --fit-right: [\d.]+; --fit-bottom: [\d.]+;", css)


def test_texts_of_a_plan_are_escaped(layout):
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in layout.floor_svg
    assert "<script" not in layout.floor_svg
    assert "style=" not in layout.floor_svg


def test_the_name_of_a_row_is_never_part_of_a_style_sheet():
    plan = plan_with_defects()
    for row in plan["zones"][0]["rows"]:
        row["row_number"] += '"]{}*{display:none}'
    layout = layout_of(import_plan(write_plan(plan), cinema="Odeon", screen="1").plan.hash)
    assert b"display" not in layout.css
    assert all(re.fullmatch(r"row-\d+", row.key) for row in layout.rows)
    assert layout.rows[0].name == 'A"]{}*{display:none}'


def test_rows_have_every_seat_once_in_the_order_of_the_map(layout):
    assert [seat.index for row in layout.rows for seat in row.seats] == list(range(len(layout.seats)))
    assert [layout.index_of[seat.label] for seat in layout.seats] == list(range(len(layout.seats)))


def test_the_hash_of_an_unchanged_plan_never_changes():
    """Browsers cache a layout by its hash, and an import finds a stored plan by it."""
    assert build_plan(read_plan(write_plan(plain_plan()))).hash == "be7311f9cfde542711b22cc7ba6b2ac9"


@pytest.mark.parametrize("change", ["x", "category", "kind", "name", "color", "area", "number"])
def test_every_visible_change_changes_the_hash(change):
    plan = plan_with_defects()
    before = import_plan(write_plan(plan), cinema="Odeon", screen="1").plan.hash
    zone = plan["zones"][0]
    seat = zone["rows"][0]["seats"][2]
    if change == "x":
        seat["position"]["x"] += 1
    elif change == "category":
        seat["category"] = plan["categories"][1]["name"]
    elif change == "kind":
        seat["bookmyseat"] = {"kind": "wheelchair"}
    elif change == "name":
        plan["categories"][0]["name"] = "Parquet"
        for one in zone["rows"][0]["seats"]:
            one["category"] = "Parquet"
    elif change == "color":
        plan["categories"][1]["color"] = "#123456"
    elif change == "area":
        zone["areas"][0]["rectangle"]["width"] += 1
    else:
        seat["seat_number"] = "99"
    assert import_plan(write_plan(plan), cinema="Odeon", screen="1").plan.hash != before
    assert SeatingPlan.objects.count() == 2
    assert Screen.objects.get().plan.hash != before


def test_a_layout_is_built_once_per_process(layout, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert layout_of(layout.hash) is layout
